"""Who has only moved up in the queue: told from time to time, where those are many.

While a long queue moves, each pass would tell everybody behind that he is further ahead: that costs
what waits, not what moved.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from policy.model.decision import Wait
from policy.model.execution import Uid
from reconciler.converge.instants import is_within

FEW = 250
"""So many are told with each pass."""

EACH = timedelta(milliseconds=10)
"""To tell one takes 0.3 ms, up to the status branch: a thirtieth of the time goes into it."""

AT_MOST = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Moves:
    """The waits as they are told, when many moves were told last, when those put off are due."""

    waits: Mapping[Uid, Wait]
    told_at: datetime | None
    due_at: datetime | None = None


def pace(count: int, each: timedelta) -> timedelta:
    """Return how long so many may be behind: not at all where they are few."""
    return min(count * each, AT_MOST) if count > FEW else timedelta()


def moves(
    waits: Mapping[Uid, Wait],
    told: Mapping[Uid, Wait],
    *,
    told_at: datetime | None,
    now: datetime,
) -> Moves:
    """Return what to tell of each who waits: of who has only moved, what was told, for a while.

    Args:
        waits: Why each waits, by uid.
        told: What the last pass told of that.
        told_at: When many moves were told last.
        now: The time of this pass.
    """
    before = dict(_moved(waits, told))
    late = pace(len(before), EACH)
    if not late:
        return Moves(waits, told_at)
    if told_at is None or not is_within(late, told_at, now):
        return Moves(waits, now)
    return Moves({**waits, **before}, told_at, due_at=told_at + late)


def _moved(waits: Mapping[Uid, Wait], told: Mapping[Uid, Wait]) -> Iterator[tuple[Uid, Wait]]:
    """Yield what was told of those who wait for the same reason still, but further ahead."""
    for uid, wait in waits.items():
        before = told.get(uid)
        if before is not None and before.reason.code == wait.reason.code and before != wait:
            yield uid, before
