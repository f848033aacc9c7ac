"""How long those that started had waited, from the facts of the ledger.

A wait begins when an execution is first seen, or when it lost its place through no doing of its
own (preempted, its node was lost), and ends when an attempt is decided on. So it holds whatever
it waited for: room, others, a time, an operator. What comes after its own failure, or after it was
suspended, isn't a wait for the cluster and isn't counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from policy.model.execution import Uid
from reconciler.converge.ledger import LEFT_OUT, EndReason, Entry, Fact, phase_of_ending

LONGEST = timedelta(days=7)
"""Who asks how long those waited that started in some time needs the facts from so long before it
on; of one that waited for longer only its start is known, and it isn't counted."""

_LOST_ITS_PLACE = frozenset({EndReason.PREEMPTED, EndReason.NODE_LOST, EndReason.REMOVED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """One that waited, and started at ``started_at``."""

    uid: Uid
    queued_at: datetime
    started_at: datetime

    @property
    def waited_ms(self) -> int:
        """How long it waited; a clock that was set back counts as no time."""
        return max(0, (self.started_at - self.queued_at) // timedelta(milliseconds=1))


def waits(entries: Iterable[Entry]) -> Iterator[Wait]:
    """Yield the waits in which facts tell of both ends, by the order of their ends.

    ``entries`` are as they were entered; those of several executions may alternate.
    """
    since: dict[Uid, datetime] = {}
    for entry in entries:
        if entry.fact is Fact.FIRST_SEEN or _gave_way(entry):
            since[entry.uid] = entry.at
        elif entry.fact is Fact.ATTEMPT_INTENDED and entry.uid in since:
            queued_at = since.pop(entry.uid)
            yield Wait(uid=entry.uid, queued_at=queued_at, started_at=entry.at)
        elif entry.fact in (Fact.ATTEMPT_ENDED, Fact.FINISHED, Fact.CANCELLED):
            since.pop(entry.uid, None)


def endings(entries: Iterable[Entry]) -> Iterator[tuple[Entry, bool]]:
    """Yield the facts that ended an execution for good, each with whether it had failed.

    A scheduled run that was left out never began, so it isn't among them.
    """
    for entry in entries:
        if entry.fact in (Fact.FINISHED, Fact.CANCELLED):
            reason = EndReason(entry.reason)
            if reason not in LEFT_OUT:
                yield entry, phase_of_ending(reason) == "Failed"


def nearest_rank(ordered: Sequence[int], percent: int) -> int | None:
    """Return the nearest-rank quantile: always one of the values, None if there are none."""
    if not ordered:
        return None
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(1, rank) - 1]


def _gave_way(entry: Entry) -> bool:
    return entry.fact is Fact.ATTEMPT_ENDED and EndReason(entry.reason) in _LOST_ITS_PLACE
