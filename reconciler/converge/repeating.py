"""``repeat: always``: which run of a member begins next, and when.

Each run is numbered by the time from which it may begin, as those of a schedule are; so it is
worked out from the ledger alone, and a restart or a second pass begins nothing twice. What ended
well is followed at once. What failed, or ended as soon as it had begun, waits longer each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.converge.backoff import backoff
from reconciler.converge.ledger import EndReason, Record, phase_of_ending
from reconciler.converge.runs import run_at

KEEP = 5
"""So many ended runs of a member stay known."""

BRIEF = timedelta(seconds=10)
"""What ends within this time of its start would otherwise be started again and again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Next:
    """The run that comes next, and when; ``is_waiting`` where a failure puts it off."""

    run: int
    at: datetime
    is_waiting: bool


def following(known: Sequence[Record], *, since: datetime) -> Next | None:
    """Return what follows the runs so far, oldest first; None while one of them goes on.

    ``since`` is when it began to be repeated: nothing begins before.
    """
    if not known:
        return Next(run=run_at(since), at=since, is_waiting=False)
    last = known[-1]
    if last.ended is None or not all(record.is_final for record in known):
        return None
    in_vain = _in_vain(known)
    at = last.ended.at + (backoff(in_vain, last.uid) if in_vain else timedelta())
    at = max(at, since)
    return Next(run=max(run_at(at), last.run + 1), at=at, is_waiting=bool(in_vain))


def _in_vain(known: Sequence[Record]) -> int:
    """Return how many runs in a row, up to the newest, came to nothing."""
    count = 0
    for record in reversed(known):
        if not _came_to_nothing(record):
            break
        count += 1
    return count


def _came_to_nothing(record: Record) -> bool:
    ended, started = record.ended, record.first_started_at
    if ended is None or phase_of_ending(ended.reason) == "Stopped":
        return False
    is_brief = started is None or ended.at - started < BRIEF
    is_over = ended.reason is EndReason.DEADLINE_EXCEEDED
    return is_brief or (phase_of_ending(ended.reason) == "Failed" and not is_over)
