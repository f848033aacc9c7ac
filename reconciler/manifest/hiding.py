"""Diagnostics about secrets, told without what is written there: it may be the secret itself.

They are shown on pages, in comments and notifications, to more people than read the repository.
"""

from __future__ import annotations

import re

from reconciler.manifest.diagnostic import Path

_VALUE = re.compile(r'".*"(?= )', re.DOTALL)
_CUT = "…"


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
