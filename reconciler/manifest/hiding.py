"""Diagnostics about secrets, told without what is written there: it may be the secret itself.

They are shown on pages, in comments and notifications, to more people than read the repository.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from reconciler.manifest.diagnostic import Path

_VALUE = re.compile(r'".*"(?= )', re.DOTALL)
_CUT = "…"
_DEFINED = re.compile(r"""(?<![\w.-])["']?(?:age|secrets)["']?\s*:(?=\s*[^\s\[])""")
"""Before what may be a secret, in any line; a list is of names."""
_SECRETS = re.compile(r"""["']?secrets["']?\s*:""")
_LINES_MOST = 1_000


def is_of_secret(path: Path) -> bool:
    """Tell whether ``path`` is at or below a secret's definition."""
    match path:
        case ("spec", "secrets", _, *_) | ("spec", "template", "spec", "secrets", _, *_):
            return True
        case _:
            return False


def without_value(message: str) -> str:
    """Return a message that doesn't begin with the value that it is about."""
    return _VALUE.sub("this", message, count=1) if message.startswith('"') else message


def up_to(text_line: str, column: int) -> str:
    """Return the beginning of a line, up to the value at ``column``."""
    return text_line[: column - 1] + _CUT


def without_secrets(lines: Sequence[str], line: int) -> str:
    """Return a line up to the first secret that is defined in it, judged by its looks.

    For what has no path: the text isn't YAML, or something else in the same line is wrong.
    """
    text_line = lines[line - 1]
    if found := _DEFINED.search(text_line):
        return text_line[: found.end()] + _CUT
    if not _is_below_secrets(lines, line):
        return text_line
    return text_line[: _indent(text_line)] + _CUT


def _is_below_secrets(lines: Sequence[str], line: int) -> bool:
    """Tell whether a line that isn't in a list stands, by its indentation, under ``secrets:``."""
    own = lines[line - 1]
    indent = _indent(own)
    if not indent or own.lstrip().startswith("- "):
        return False
    for above in reversed(lines[max(0, line - 1 - _LINES_MOST) : line - 1]):
        if above.strip() and _indent(above) < indent:
            indent = _indent(above)
            if _SECRETS.fullmatch(above.strip()):
                return True
            if not indent:
                break
    return False


def _indent(text_line: str) -> int:
    return len(text_line) - len(text_line.lstrip(" "))
