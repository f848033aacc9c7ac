"""PURE: a comment as a forge takes it: with our mark, and not longer than it may be."""

from __future__ import annotations

import re

_FENCE = re.compile(r"^(`{3,}|~{3,})", re.MULTILINE)
_DETAILS = re.compile(r"<(/?)details\b", re.IGNORECASE)


def fit(body: str, *, mark: str, limit: int, url: str = "") -> str:
    """Return the mark and as many whole lines of ``body`` as ``limit`` leaves room for.

    What was cut off is said at the end, with a link where there is one. Code and folds that the
    cut leaves open are closed, or they would swallow that sentence.
    """
    head = f"{mark}\n"
    if len(head) + len(body) <= limit:
        return head + body
    where = f": [the whole of it]({url})" if url else ""
    tail = f"\n\n**Cut off here, the forge takes no longer comment{where}.**\n"
    room = limit - len(head) - len(tail)
    text = _whole_lines(body, room)
    while len(text + closing(text)) > room:
        text = _whole_lines(text, len(text) - 1)
    return head + text + closing(text) + tail


def closing(text: str) -> str:
    """Return what closes the code block and the folds that ``text`` leaves open."""
    fence = ""
    for found in _FENCE.finditer(text):
        mark = str(found[1])
        if not fence:
            fence = mark
        elif mark[0] == fence[0] and len(mark) >= len(fence):
            fence = ""
    unclosed = 0
    for found in _DETAILS.finditer(text):
        unclosed = max(0, unclosed + (-1 if found[1] else 1))
    return (f"\n{fence}" if fence else "") + "\n\n</details>" * unclosed


def _whole_lines(text: str, room: int) -> str:
    """Return at most ``room`` characters, up to the end of a line if there is one."""
    cut = text[: max(0, room)]
    end = cut.rfind("\n")
    return cut[:end] if end > 0 else cut
