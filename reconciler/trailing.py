"""What follows from others' moves alone: places in a queue, and the snapshot for whoever asks.

While the queue moves, each pass would tell everybody behind that he is further ahead, and all of
the snapshot again: that costs what waits, not what moved. Where it is much it is told from time to
time, and whole as soon as a pass brings nothing new about.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter

from policy.model.execution import Uid
from reconciler.converge.instants import is_within
from reconciler.converge.status import Phase, Status
from reconciler.converge.world import Assessment

INTERVAL = timedelta(seconds=10)
FEW = 250
"""So many are told, and written into a snapshot, with each pass."""

_MOVED = frozenset({"position", "message", "refusals", "conditions"})
_STAYS = attrgetter(*(name for name in Status.__slots__ if name not in _MOVED))
_CLAIM = attrgetter("type", "status", "reason", "last_transition_at")


@dataclass(frozen=True, slots=True)
class News:
    """What a pass tells, and who is told later; ``has_snapshot`` is whether it is written, too."""

    statuses: tuple[Status, ...]
    waiting: frozenset[Uid]
    has_snapshot: bool


class Trailing:
    """What the last passes have put off, and since when."""

    def __init__(self) -> None:
        self._waiting: frozenset[Uid] = frozenset()
        self._told_at: datetime | None = None
        self._snapshot_at: datetime | None = None
        self._is_snapshot_waiting = False

    @property
    def is_snapshot_waiting(self) -> bool:
        """Whether something was stored without the snapshot that it led to."""
        return self._is_snapshot_waiting

    def news(self, found: Assessment, last: Assessment | None, now: datetime) -> News:
        """Return what is to be told now.

        A status that is still the very object of the ``last`` pass was told then, if it was not
        put off.
        """
        before = last.told if last else {}
        fresh: list[Status] = []
        moved: set[Uid] = set()
        for status in found.statuses:
            uid = Uid(status.uid)
            facts_and_told = before.get(uid)
            if facts_and_told is None:
                fresh.append(status)
            elif facts_and_told[1] is not status or uid in self._waiting:
                fresh.append(status)
                if has_only_moved(facts_and_told[1], status):
                    moved.add(uid)
        if len(moved) <= FEW or not _may_wait(found, self._told_at, now):
            moved.clear()
        is_small = len(found.snapshot.executions) <= FEW
        return News(
            statuses=tuple(status for status in fresh if status.uid not in moved),
            waiting=frozenset(moved),
            has_snapshot=is_small or not _may_wait(found, self._snapshot_at, now),
        )

    def stored(self, news: News, now: datetime) -> None:
        """Remember what was told, as it is in the database now."""
        self._waiting = news.waiting
        if not news.waiting:
            self._told_at = now
        self._is_snapshot_waiting = not news.has_snapshot
        if news.has_snapshot:
            self._snapshot_at = now


def _may_wait(found: Assessment, since: datetime | None, now: datetime) -> bool:
    return bool(found.steps) and since is not None and is_within(INTERVAL, since, now)


def has_only_moved(before: Status, after: Status) -> bool:
    """Tell whether nothing else happened to one who waits than that others went ahead."""
    return (
        after.phase is Phase.QUEUED
        and _STAYS(before) == _STAYS(after)
        and list(map(_CLAIM, before.conditions)) == list(map(_CLAIM, after.conditions))
    )
