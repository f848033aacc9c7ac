"""SSH public keys, as ``ssh-keygen`` writes them: which ones may identify somebody."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator

from reconciler.manifest.diagnostic import Complaint, quoted

LEAST_RSA_BITS = 3072
MOST_RSA_BITS = 16384
_CURVES = ("nistp256", "nistp384", "nistp521")
_RSA = "ssh-rsa"
TYPES = frozenset(
    {
        _RSA,
        "ssh-ed25519",
        "sk-ssh-ed25519@openssh.com",
        "sk-ecdsa-sha2-nistp256@openssh.com",
        *(f"ecdsa-sha2-{curve}" for curve in _CURVES),
    }
)
"""The types that count. Certificates and DSA don't."""

_NEW_KEY = "make one with ssh-keygen -t ed25519 and write what its .pub file holds"
_LENGTH_BYTES = 4


def public_key(text: str) -> str:
    """Return type and base64 of a public key, in the one form that can be compared.

    Raises:
        Complaint: It isn't a key, or not one that is strong enough.
    """
    kind, _, rest = text.partition(" ")
    if kind not in TYPES:
        raise Complaint("BadKey", f"{quoted(kind)} isn't a type of key that counts here", _NEW_KEY)
    encoded = rest.split(" ", 1)[0]
    try:
        blob = base64.b64decode(encoded, validate=True)
        fields = list(_fields(blob))
    except (binascii.Error, ValueError) as error:
        raise Complaint("BadKey", "the key is cut or damaged", _NEW_KEY) from error
    if len(fields) < 2 or fields[0] != kind.encode():
        raise Complaint("BadKey", f"the key isn't of the type {kind} that it says", _NEW_KEY)
    if kind == _RSA:
        _check_rsa(fields)
    return f"{kind} {base64.b64encode(blob).decode()}"


def _fields(blob: bytes) -> Iterator[bytes]:
    """Yield the strings of SSH's wire format (RFC 4251, section 5); ValueError if one is cut."""
    at = 0
    while at < len(blob):
        begin = at + _LENGTH_BYTES
        at = begin + int.from_bytes(blob[at:begin], "big")
        if at > len(blob) or begin > len(blob):
            raise ValueError(blob)
        yield blob[begin:at]


def _check_rsa(fields: list[bytes]) -> None:
    bits = int.from_bytes(fields[2], "big").bit_length() if len(fields) == 3 else 0
    if not LEAST_RSA_BITS <= bits <= MOST_RSA_BITS:
        message = f"an RSA key of {bits} bits: at least {LEAST_RSA_BITS}, at most {MOST_RSA_BITS}"
        raise Complaint("BadKey", message, _NEW_KEY)
