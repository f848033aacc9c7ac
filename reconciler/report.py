"""What a pass did, in a few words: for whoever decides when to make the next one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from reconciler.apply import Outcome
from reconciler.converge.plan import MAKING_ROOM
from reconciler.converge.polling import UNTIL_GONE
from reconciler.converge.status import Phase, Status
from reconciler.converge.world import Assessment, Wanted

_IN_TRANSITION = frozenset({Phase.STARTING, Phase.TERMINATING})


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a pass did. ``is_moving``: look again soon; ``runs_batch``: ends send no event.

    ``hold`` says why ``commit`` isn't the newest; ``is_unread``: for all one knows it is.
    """

    commit: str
    hold: str
    is_unread: bool
    outcomes: tuple[Outcome, ...]
    statuses: tuple[Status, ...]
    diagnostics: int
    is_moving: bool
    runs_batch: bool
    facts: int
    wake_at: datetime | None = None


def report(
    wanted: Wanted,
    found: Assessment,
    outcomes: tuple[Outcome, ...],
    *,
    hold: str,
    is_unread: bool,
    diagnostics: int,
    is_waiting: bool,
    wake_at: datetime | None,
) -> Report:
    """Return what came of a pass. ``is_waiting``: some new content is to be tried by the next."""
    return Report(
        commit=wanted.commit,
        hold=hold,
        is_unread=is_unread,
        outcomes=outcomes,
        statuses=found.statuses,
        diagnostics=diagnostics,
        is_moving=is_waiting or _is_moving(found, outcomes),
        runs_batch=any(s.phase is Phase.RUNNING and s.type == "batch" for s in found.statuses),
        facts=len(found.steps),
        wake_at=wake_at,
    )


def _is_moving(found: Assessment, outcomes: tuple[Outcome, ...]) -> bool:
    return (
        bool(outcomes)
        or bool(found.steps)
        or any(status.phase in _IN_TRANSITION for status in found.statuses)
        or any(note.reason == MAKING_ROOM for note in found.plan.notes)
        or any(status.reason in UNTIL_GONE for status in found.statuses)
    )
