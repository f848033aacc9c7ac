"""Sentences with instants in them, and how they are shown."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

_INSTANT = re.compile(r"\b(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)\b")


def instant(at: datetime) -> str:
    """Return a time as sentences hold it, to the second: ``2026-11-22T14:20:00Z``."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parts(sentence: str) -> Iterator[str | datetime]:
    """Yield a sentence's texts and instants in their order; no text is empty."""
    for number, part in enumerate(_INSTANT.split(sentence)):
        if number % 2 and (at := _time(part)) is not None:
            yield at
        elif part:
            yield part


def with_times(sentence: str, write: Callable[[datetime], str]) -> str:
    """Return the sentence with every instant as ``write`` has it."""
    return "".join(part if isinstance(part, str) else write(part) for part in parts(sentence))


def _time(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:  # the thirtieth of February
        return None
