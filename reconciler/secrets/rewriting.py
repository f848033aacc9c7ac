"""Ciphertexts in a file's text, put in the place of others; the rest stays byte for byte. Pure."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable

from reconciler.manifest.ciphertext import armoured, one_line
from reconciler.manifest.diagnostic import Complaint

# Every age file begins so in base64, which its first 21 bytes fill without a rest.
_START = base64.b64encode(b"age-encryption.org/v1").decode()
_CIPHERTEXT = re.compile(
    r"(?m)^(?P<indent>[ \t]*)-----BEGIN AGE ENCRYPTED FILE-----[ \t\r]*\n"
    r"(?:[ \t]*[A-Za-z0-9+/=]*[ \t\r]*\n)+?[ \t]*-----END AGE ENCRYPTED FILE-----"
    rf"|(?P<line>{_START}[A-Za-z0-9+/]+={{0,2}})"
)


def rewritten(text: str, convert: Callable[[str], str]) -> str:
    """Return the text with each ciphertext converted: base64 on a line in, the same out.

    An armoured block stays one, at its depth. What only looks like a ciphertext stays as it is.
    """

    def replaced(match: re.Match[str]) -> str:
        try:
            old = one_line(match[0])
        except Complaint:
            return match[0]
        new = convert(old)
        if match["line"] is not None:
            return new
        indent, newline = match["indent"], "\r\n" if "\r\n" in match[0] else "\n"
        return newline.join(indent + line for line in armoured(new).splitlines())

    return _CIPHERTEXT.sub(replaced, text)
