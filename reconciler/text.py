"""PURE: text from outside made fit to show: decoded, cleaned, bounded, without secrets."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from urllib.parse import quote

_HIDDEN = "[hidden]"
_USERINFO = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)[^/\s]*@")
# Cc: escape sequences; Cf: bidirectional overrides; Cs: surrogates; Zl, Zp: odd line breaks.
_UNFIT_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_REPLACEMENT = "�"
# Only those: some of Python's codecs take quadratic time on hostile input.
_LEGACY_ENCODINGS = {
    "iso-8859-1": "latin-1",
    "iso8859-1": "latin-1",
    "latin1": "latin-1",
    "latin-1": "latin-1",
    "iso-8859-15": "iso-8859-15",
    "windows-1252": "cp1252",
    "cp1252": "cp1252",
}


def decode(raw: bytes, *, declared: str = "", limit: int) -> str:
    """Return at most ``limit`` characters of ``raw``: UTF-8, else as declared, else with gaps."""
    head = raw[: limit * 4]
    try:
        return raw.decode()[:limit]
    except UnicodeDecodeError:
        legacy = _LEGACY_ENCODINGS.get(declared.lower())
        return head.decode(legacy or "utf-8", errors="replace")[:limit]


def clean(text: str, *, limit: int, is_multiline: bool = False) -> str:
    """Return ``text`` without characters that act on a terminal or page, cut to ``limit``.

    Without ``is_multiline`` any run of white space becomes one blank.
    """
    kept = "\n\t" if is_multiline else ""
    text = text[: limit * 4]
    text = text.replace("\r\n", "\n") if is_multiline else " ".join(text.split())
    fit = "".join(
        character
        if character in kept or unicodedata.category(character) not in _UNFIT_CATEGORIES
        else _REPLACEMENT
        for character in text
    )
    return fit if len(fit) <= limit else fit[: limit - 1] + "…"


def scrub(text: str, secrets: Iterable[str] = ()) -> str:
    """Return ``text`` without the user part of URLs and without any of ``secrets``."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        for form in {secret, quote(secret, safe="")}:
            text = text.replace(form, _HIDDEN)
    return _USERINFO.sub(r"\g<scheme>", text)
