"""An age ciphertext as a manifest holds it: armoured, or base64 on one line. Never opened here."""

from __future__ import annotations

import base64
import binascii

from reconciler.manifest.diagnostic import Complaint

LONGEST_LINE = 3_500
"""A longer ciphertext is written in armour: lines of a manifest are bounded."""

_MAGIC = b"age-encryption.org/v1\n"
_BEGIN = "-----BEGIN AGE ENCRYPTED FILE-----"
_END = "-----END AGE ENCRYPTED FILE-----"
_ARMOUR_COLUMNS = 64


def one_line(text: object) -> str:
    """Return a ciphertext as base64 without blanks, whichever way it was written.

    Raises:
        Complaint: It isn't an age file.
    """
    body = "".join(str(text).replace(_BEGIN, "").replace(_END, "").split())
    try:
        data = base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if not data.startswith(_MAGIC):
        remedy = "paste all that zoe secret encrypt prints"
        raise Complaint("BadCiphertext", "it isn't an age ciphertext", remedy)
    return base64.b64encode(data).decode()


def binary(line: str) -> bytes:
    """Return the bytes of what :func:`one_line` returned."""
    return base64.b64decode(line)


def armoured(line: str) -> str:
    """Return a ciphertext on several lines, as age writes it; it ends in a line feed."""
    lines = [line[at : at + _ARMOUR_COLUMNS] for at in range(0, len(line), _ARMOUR_COLUMNS)]
    return "\n".join([_BEGIN, *lines, _END, ""])
