"""What a page in JSON says of an application's use: a moment, yes or no, or a number."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

from reconciler.probes.asking import Ask, NotUnderstood, ago, data_of


def last_use(ask: Ask, path: str, active: str) -> timedelta | None:
    """Return how long ago it was used: 0 if it is now; None if it isn't and tells no more.

    Args:
        ask: Asks the application.
        path: The page, with its query.
        active: Where on it to look, as a JSON pointer.

    Raises:
        NotUnderstood: It isn't known.
    """
    answer = ask(path)
    shown = path.partition("?")[0]
    match found_at(data_of(answer, shown), active):
        case bool() as is_active:
            return timedelta(0) if is_active else None
        case int() | float() as number if math.isfinite(number):
            return timedelta(0) if number > 0 else None
        case str() as moment:
            return ago(moment, answer, shown)
        case _:
            raise NotUnderstood(f"{shown} has no moment, number, true or false at {active}")


def found_at(data: Any, pointer: str) -> Any:
    """Return the value at a JSON pointer (RFC 6901); None if there is none."""
    for token in pointer.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        if isinstance(data, dict):
            data = data.get(key)
        elif isinstance(data, list) and key.isascii() and key.isdigit() and int(key) < len(data):
            data = data[int(key)]
        else:
            return None
    return data
