"""Text of the engine and of containers made fit to be shown: bounded, controls as escapes. Pure.

A container chooses every byte of its log, so nothing here may let it move a terminal's cursor,
hide text or fake a line.
"""

from __future__ import annotations

import unicodedata

from reconciler.text import scrub

MESSAGE_LIMIT = 500

# Cc: controls. Cf: bidi overrides and zero-width characters. Cs: halves of surrogate pairs.
# Zl, Zp: line breaks that only some programs see. Co, Cn: what no font has a picture for.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp", "Co", "Cn"})


def escape(text: str, *, keep: str = "\n\t") -> str:
    r"""Return ``text`` with every unprintable character but those of ``keep`` as ``\x1b``."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_shown(character, keep) for character in text)


def one_line(text: str, *, limit: int = MESSAGE_LIMIT) -> str:
    """Return ``text`` as one escaped line of at most ``limit`` characters.

    Engines quote the URLs that they failed to reach, a registry's with its password: never shown.
    """
    line = escape(scrub(" ".join(text[: 4 * limit].split())), keep="")
    return line if len(line) <= limit else line[: limit - 1] + "…"


def last_bytes(data: bytes, *, limit: int) -> str:
    """Return at most the last ``limit`` bytes as escaped text; the cut falls on a line's start.

    Bytes that aren't UTF-8 are shown as escapes. The answer too has at most ``limit`` bytes.
    """
    shown = escape(_tail(data, limit).decode("utf-8", errors="backslashreplace"))
    return _tail(shown.encode(), limit).decode("utf-8", errors="ignore")


def _tail(data: bytes, limit: int) -> bytes:
    if len(data) <= limit:
        return data
    tail = data[len(data) - limit :]
    _, _, whole_lines = tail.partition(b"\n")
    return whole_lines or tail


def _shown(character: str, keep: str) -> str:
    if character in keep or unicodedata.category(character) not in _HIDDEN:
        return character
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
