"""A page of the queue: one after the other who waits, who never can, what is held, what runs.

The lists are as one long list, so that one cursor leads through all of them. Places are those of
the whole queue, whatever is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from reconciler.view import labels, paging
from reconciler.view.queue import Held, Holding, Queue, Waiting

PAGE = 50
MOST = 500
PARTS = ("waiting", "never", "held", "running")
"""The lists, in the order in which pages go through them."""

_FARTHEST = 2**53


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Whom to tell of. ``part``: one of the lists alone. ``labels`` is a selector."""

    part: str = ""
    namespace: str = ""
    labels: str = ""
    limit: int = PAGE
    cursor: str = ""


EVERYBODY = Query()


def check(query: Query) -> None:
    """Raise ValueError, which says what is wrong, if a query makes no sense."""
    if not 1 <= query.limit <= MOST:
        raise ValueError(f"a page holds 1 to {MOST}: limit can't be {query.limit}")
    if query.part and query.part not in PARTS:
        raise ValueError(f"{query.part[:40]!r} is no part of the queue: choose {', '.join(PARTS)}")
    labels.parse(query.labels)
    _begin(query)


def of(whole: Queue, query: Query = EVERYBODY) -> Queue:
    """Return a page of a queue: at most ``limit`` entries of all lists together.

    ``totals`` count what is asked for in each list, on whatever page; ``next`` is the cursor of
    what follows. It counts entries, so pages make one queue while their ``snapshot`` is the same.

    Raises:
        ValueError: The query makes no sense; says what is wrong with it.
    """
    check(query)
    admitted = _admitted(whole, query)
    part, skip = _begin(query)
    room, following = query.limit, ""
    shown: dict[str, Any] = dict.fromkeys(PARTS, ())
    for name in _parts(query.part, since=part):
        entries = admitted[name]
        if not room and skip < len(entries):
            following = following or paging.cursor(name, skip)
        shown[name] = tuple(entries[skip : skip + room])
        if room and skip + room < len(entries):
            following = paging.cursor(name, skip + room)
        room -= len(shown[name])
        skip = 0
    totals = {name: len(entries) for name, entries in admitted.items()}
    return replace(whole, totals=totals, next=following, **shown)


def only(whole: Queue, uid: str) -> Queue:
    """Return the queue with nobody in it but one that waits, who may be nowhere in it."""
    waiting, never = (
        tuple(one for one in several if one.uid == uid) for several in (whole.waiting, whole.never)
    )
    return replace(whole, waiting=waiting, never=never, running=(), held=())


def _begin(query: Query) -> tuple[str, int]:
    """Return the list in which the page begins, and how many of it come before."""
    found = paging.position(query.cursor, str, int)
    if found is None:
        return query.part or PARTS[0], 0
    part, skip = str(found[0]), int(found[1])
    if part not in PARTS or not 0 <= skip <= _FARTHEST or query.part not in ("", part):
        raise ValueError("this cursor is of another list: begin without one")
    return part, skip


def _parts(wanted: str, *, since: str) -> Sequence[str]:
    return (wanted,) if wanted else PARTS[PARTS.index(since) :]


def _admitted(whole: Queue, query: Query) -> Mapping[str, Sequence[Waiting | Holding | Held]]:
    """Return who is asked for, by list."""
    lists: Mapping[str, Sequence[Waiting | Holding | Held]] = {
        "waiting": whole.waiting,
        "never": whole.never,
        "held": whole.held,
        "running": whole.running,
    }
    selector = labels.parse(query.labels)
    if not selector and not query.namespace:
        return lists
    return {
        name: tuple(
            one
            for one in entries
            if query.namespace in ("", one.namespace) and labels.admits(selector, one.labels)
        )
        for name, entries in lists.items()
    }
