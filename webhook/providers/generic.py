"""Anything that can sign: our own ``post-receive`` hook, a script, a forge that isn't named here.

Signed either as Standard Webhooks say or with ``X-Signature: sha256=…`` (or sha512). The body is
``{"ref": …, "before": …, "after": …}``, or ``{"changes": [...]}`` of such, or any other object:
then it says no more than "look".
"""

from __future__ import annotations

from datetime import datetime

from webhook.event import Event, Kind, change
from webhook.headers import Headers
from webhook.payload import at, objects, parse
from webhook.signature import Secrets, is_hex_hmac, is_standard

_ALGORITHMS = {b"sha256": "sha256", b"sha512": "sha512"}


def verify(headers: Headers, body: bytes, secrets: Secrets, now: datetime) -> bool:
    """Tell whether the body is signed in one of the two ways."""
    if headers.has("webhook-signature"):
        return is_standard(headers, body, secrets, now)
    scheme, _, given = headers.raw("X-Signature").partition(b"=")
    algorithm = _ALGORITHMS.get(scheme)
    return bool(algorithm) and is_hex_hmac(given, body, secrets, algorithm=str(algorithm))


def event(headers: Headers, body: bytes) -> Event:
    """Return what a verified body tells. Raises Malformed."""
    data = parse(body)
    identity = headers.text("webhook-id")
    if at(data, "test") is True:
        return Event(kind=Kind.PING, delivery_id=identity)
    given = objects(data, "changes") or [data]
    return Event(
        kind=Kind.PUSH,
        delivery_id=identity,
        refs=tuple(one for data in given for one in change(data)),
    )
