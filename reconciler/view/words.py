"""Sentences with instants in them, how they are shown, and a few words that views share."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

# Messages of a status also have a schedule's own clock: ``2026-11-23T02:30+01:00``.
_INSTANT = re.compile(r"\b(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:\d\d)\b)", re.ASCII)
# Cc: escape sequences; Cf: bidirectional overrides; Cs: surrogates; Zl, Zp: odd line breaks.
_ACTING = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


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


def begun(told: str) -> str:
    """Return a text as a sentence: with a capital letter, unless it begins with a name or path."""
    is_name = "/" in told.partition(" ")[0]
    return told if is_name else told[:1].upper() + told[1:]


def escaped(text: str) -> str:
    r"""Return text in which characters that act on a terminal or page are shown: ``\x1b``.

    Line breaks and tabs stay.
    """
    return "".join(
        character
        if character in "\n\t" or unicodedata.category(character) not in _ACTING
        else character.encode("unicode_escape").decode()
        for character in text
    )


def grants(*, core: int, elastic: int, most: int) -> str:
    """Return what an execution holds: ``core 3, 2 of 5 elastic``."""
    return f"core {core}, {elastic} of {most} elastic" if most else f"core {core}"


def counted(number: int, one: str, many: str = "") -> str:
    """Return ``1 node`` or ``3 nodes``."""
    return f"{number} {one}" if number == 1 else f"{number} {many or one + 's'}"


def _time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):  # the thirtieth of February; the edge of the calendar
        return None
