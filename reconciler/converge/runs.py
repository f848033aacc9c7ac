"""Numbers of runs: those that authors count, and those that a schedule names by their time.

An author's ``run`` is at most a million, so a number says by itself which kind it is. The two
never outrank one another.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from policy.model.execution import Uid
from reconciler.converge.ledger import EndReason
from reconciler.manifest.spec import Manifest

SCHEDULE = 0
"""The run of a schedule itself: it has a record and a status, and never anything to run."""

_FIRST_TIME = 10**9


def is_scheduled(run: int) -> bool:
    """Tell whether a schedule began this run: its number is its time, in seconds since 1970."""
    return run >= _FIRST_TIME


def run_at(time: datetime) -> int:
    """Return the number of the run that is due at a time."""
    return int(time.timestamp())


def time_of(run: int) -> datetime:
    """Return when a scheduled run was due."""
    return datetime.fromtimestamp(run, UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurrence:
    """A schedule at work.

    ``template`` is its manifest, as run 0; ``due`` the run that begins now, or that is ``left_out``
    for that reason. ``ended`` are its runs that are over, newest first; ``newest`` is the newest
    that wasn't left out. ``next_at`` is None while it is suspended.
    """

    template: Manifest
    due: Manifest | None = None
    left_out: EndReason | None = None
    ended: tuple[Uid, ...] = ()
    newest: Uid | None = None
    next_at: datetime | None = None
