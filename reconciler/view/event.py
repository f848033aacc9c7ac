"""What happened: the events, filtered, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from reconciler.reporting.records import Event
from reconciler.view import paging

PAGE = 100
MOST = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class EventLine:
    """Something worth telling; ``namespace`` and ``name`` are "" where it concerns no one."""

    id: int
    at: datetime
    reason: str
    message: str
    namespace: str = ""
    name: str = ""
    commit: str = ""
    is_warning: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """The newest first; ``next`` is the cursor of the older ones.

    What came after an event (``later``) is the oldest first instead.
    """

    lines: tuple[EventLine, ...]
    next: str = ""


def of(rows: Sequence[Event], *, limit: int) -> Events:
    """Return a page of rows that come the newest first (``Archive.events``).

    Ask for one row more than ``limit``: it tells whether there are older ones.
    """
    lines = tuple(map(line, rows[:limit]))
    return Events(lines=lines, next=paging.cursor(lines[-1].id) if len(rows) > limit else "")


def later(rows: Sequence[Event]) -> Events:
    """Return what came after an event, the oldest first, as the rows come (``Archive.events``).

    A reader who asks again after the last of these misses nothing, however much came at once.
    """
    return Events(lines=tuple(map(line, rows)))


def before(cursor: str) -> int:
    """Return the id of which older events are asked for; 0 asks for the newest.

    Raises:
        ValueError: The cursor isn't one of ours. For people.
    """
    position = paging.position(cursor, int)
    return 0 if position is None else int(position[0])


def line(row: Event) -> EventLine:
    """Return one of them as people see it."""
    return EventLine(
        id=row.id,
        at=row.at,
        reason=row.reason,
        message=row.message,
        namespace=row.namespace,
        name=row.name,
        commit=row.commit,
        is_warning=row.is_warning,
    )
