"""Bytes to text that shows a reviewer what a reader gets: no invisible or two-faced characters."""

from __future__ import annotations

import re
from collections.abc import Sequence

from reconciler.manifest.diagnostic import Complaint, Problem
from reconciler.manifest.limits import Limits

At = tuple[int, int]
"""Line and column, from 1."""

FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufff9-\ufffb\ufffe\uffff"
    # Nothing is drawn for these, or what stands beside them is drawn in another order: Unicode's
    # Default_Ignorable_Code_Point, but for U+FE0E and U+FE0F, which choose between a sign and its
    # picture.
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufff8"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]|\r(?!\n)"
)
_LINE_BREAKS = frozenset("\r\x0b\x0c\x85\u2028\u2029")


class Unreadable(Exception):
    """The file can't be read any further."""

    def __init__(
        self, complaint: Complaint, line: int = 0, column: int = 0, lines: Sequence[str] = ()
    ) -> None:
        super().__init__(complaint.message)
        self.problem = complaint.at(())
        self.line = line
        self.column = column
        self.lines = lines


def decode(data: bytes, limits: Limits) -> str:
    """Return a file's text.

    Raises:
        Unreadable: It is too large, or not UTF-8.
    """
    if len(data) > limits.file_bytes:
        limit = f"{limits.file_bytes} (limits.file_bytes)"
        message = f"the file has {len(data)} bytes, more than {limit}"
        raise Unreadable(Complaint("FileTooLarge", message, "split it into several files"))
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start].decode(errors="replace").split("\n")
        lines = data.decode(errors="replace").split("\n")
        complaint = Complaint("NotUtf8", "the file isn't UTF-8 text", "save it as UTF-8")
        raise Unreadable(complaint, len(before), len(before[-1]) + 1, lines) from error


def refuse_text(text: str, lines: Sequence[str], limits: Limits) -> list[tuple[At, Problem]]:
    """Return the first few odd characters, and the first line that is too long."""
    bad: list[tuple[At, Problem]] = []
    for match in FORBIDDEN.finditer(text):
        start = match.start()
        line = text.count("\n", 0, start) + 1
        column = start - text.rfind("\n", 0, start)
        bad.append(((line, column), odd_character(match.group()).at(())))
        if len(bad) == 10:
            break
    for number, content in enumerate(lines, start=1):
        if len(content) > limits.line_chars:
            limit = f"{limits.line_chars} (limits.line_chars)"
            message = f"the line has {len(content)} characters, more than {limit}"
            complaint = Complaint("LineTooLong", message, "break it into several lines")
            bad.append(((number, 1), complaint.at(())))
            break
    return bad


def odd_character(char: str) -> Complaint:
    """Return why a character is refused."""
    name = f"U+{ord(char):04X}"
    if char in _LINE_BREAKS:
        remedy = "end lines with a line feed only"
        return Complaint("OddLineBreak", f"{name} breaks a line for some readers", remedy)
    return Complaint("ForbiddenCharacter", f"{name} can't be seen in a review", "remove it")
