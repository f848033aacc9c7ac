"""Whether a body was signed with one of our secrets. Every comparison takes constant time.

Signatures are compared as bytes (``compare_digest`` refuses text that isn't ASCII), and each
secret is tried, so that the time tells nothing of which one is right.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from webhook.headers import Headers

Secrets = Sequence[bytes]

SKEW_MOST = timedelta(minutes=5)
_KEY_PREFIX = b"whsec_"
_DATED_MOST = 12
"""Digits of a time in seconds that can still be one."""


def is_token(given: bytes, secrets: Secrets) -> bool:
    """Tell whether ``given`` is one of the secrets itself."""
    return _any(hmac.compare_digest(given, secret) for secret in secrets) and bool(given)


def is_hex_hmac(given: bytes, body: bytes, secrets: Secrets, *, algorithm: str = "sha256") -> bool:
    """Tell whether ``given`` is the HMAC of the body in hexadecimal digits."""
    given = given.lower()
    return _any(
        hmac.compare_digest(given, hmac.new(secret, body, algorithm).hexdigest().encode())
        for secret in secrets
    )


def is_standard(headers: Headers, body: bytes, secrets: Secrets, now: datetime) -> bool:
    """Tell whether the three headers of Standard Webhooks sign the body, and not long ago.

    ``webhook-signature`` may hold several, apart by spaces: one of ours is enough.
    """
    identity, sent_at = headers.raw("webhook-id"), headers.raw("webhook-timestamp")
    if not identity or not _is_recent(sent_at, now):
        return False
    signed = b".".join((identity, sent_at, body))
    expected = [_standard_signature(signed, secret) for secret in secrets]
    given = headers.raw("webhook-signature").split(b" ")[:8]
    return _any(hmac.compare_digest(one, other) for one in given for other in expected)


def _standard_signature(signed: bytes, secret: bytes) -> bytes:
    return b"v1," + base64.b64encode(hmac.digest(_key(secret), signed, "sha256"))


def _key(secret: bytes) -> bytes:
    """Return the key of a secret, which may be written as ``whsec_`` and base64."""
    if not secret.startswith(_KEY_PREFIX):
        return secret
    try:
        return base64.b64decode(secret.removeprefix(_KEY_PREFIX), validate=True)
    except binascii.Error:
        return secret


def _is_recent(sent_at: bytes, now: datetime) -> bool:
    if not sent_at.isdigit() or len(sent_at) > _DATED_MOST:
        return False
    return abs(now.timestamp() - int(sent_at)) <= SKEW_MOST.total_seconds()


def _any(answers: Iterable[bool]) -> bool:
    """Return whether one is true, after looking at all of them."""
    return any(list(answers))
