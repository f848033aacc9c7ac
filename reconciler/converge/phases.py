"""Where an execution is in its life, and the sentence for it: a fold of facts and observation."""

from __future__ import annotations

from dataclasses import dataclass

from policy.model.decision import Wait
from policy.model.execution import Allocation
from reconciler.converge import calendar
from reconciler.converge.blocked import Blocked
from reconciler.converge.endings import ENDED
from reconciler.converge.idleness import IdleSoon
from reconciler.converge.ledger import (
    HELD_BY_OPERATOR,
    MAY_HAVE_RUN,
    EndReason,
    Hold,
    Record,
    phase_of_ending,
)
from reconciler.converge.plan import MAKING_ROOM
from reconciler.converge.reach import Reach
from reconciler.converge.runs import Recurrence
from reconciler.converge.status import Phase
from reconciler.converge.tasks import Group
from reconciler.manifest.spec import ExecutionSpec, Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that a status is made from.

    ``manifest`` is None once nobody wants the run any more; ``unpublished`` says why its news
    can't be pushed to the status branch; ``growth`` why it hasn't all of its elastic replicas, if
    it hasn't. ``held`` says why Git doesn't get what it asks for; ``hold`` is an operator's, also
    where Git asks for nothing. ``idle_unknown`` says why it can't be told whether it is used;
    ``silent`` on which ports nothing listens; ``unprepared`` why a storage that it mounts isn't
    ready. ``reach`` is its namespace's gateway, where one is up.
    """

    namespace: str
    name: str
    record: Record
    manifest: Manifest | None
    spec: ExecutionSpec | None
    groups: tuple[Group, ...]
    placements: tuple[Allocation, ...]
    wait: Wait | None = None
    blocked: Blocked | None = None
    held: tuple[str, str] | None = None
    hold: Hold | None = None
    notes: tuple[tuple[str, str], ...] = ()
    failures: tuple[str, ...] = ()
    unpublished: str = ""
    growth: str = "NoRoom"
    recurrence: Recurrence | None = None
    reach: Reach | None = None
    idle_soon: IdleSoon | None = None
    idle_unknown: str = ""
    silent: tuple[str, ...] = ()
    unprepared: str = ""


def phase_of(facts: Facts) -> tuple[Phase, str, str]:
    """Return the phase, its reason code, and a sentence."""
    record = facts.record
    if record.ended is not None:
        if facts.groups and record.ended.reason in _LEAVING:
            return Phase.TERMINATING, str(record.ended.reason), "its services are being stopped"
        phase = Phase(phase_of_ending(record.ended.reason))
        return phase, str(record.ended.reason), _ending(record)
    if facts.recurrence is not None:
        return _schedule_phase(facts.recurrence, facts.hold)
    if facts.held is not None and facts.manifest is None:
        running = Phase.RUNNING if record.started_at else Phase.STARTING
        waiting = Phase.PENDING if facts.hold else Phase.QUEUED
        return running if record.attempt_open else waiting, facts.held[0], facts.held[1]
    if record.attempt_open:
        return _open_phase(facts)
    if facts.blocked is not None:
        return _blocked_phase(facts, facts.blocked)
    if facts.wait is not None:
        return Phase.QUEUED, str(facts.wait.reason.code), facts.wait.reason.message
    return Phase.PENDING, "Pending", "not looked at yet"


_LEAVING = frozenset(
    {EndReason.DELETED, EndReason.SUPERSEDED, EndReason.LIFETIME_REACHED, EndReason.IDLE}
)


def _schedule_phase(recurrence: Recurrence, hold: Hold | None) -> tuple[Phase, str, str]:
    schedule, at = recurrence.template.schedule, recurrence.next_at
    if hold is not None:
        told = f"{hold.sentence}; no run begins, those begun go on"
        return Phase.SUSPENDED, HELD_BY_OPERATOR, told
    if recurrence.template.repeats:
        return _repeat_phase(recurrence)
    if recurrence.template.suspend:
        return Phase.SUSPENDED, "Suspended", "suspend is true: no run begins; those begun go on"
    if schedule is None or at is None:
        return Phase.SCHEDULED, "Scheduled", "its times are over"
    return Phase.SCHEDULED, "Scheduled", f"runs next at {calendar.on_the_wall(schedule, at)}"


def _repeat_phase(recurrence: Recurrence) -> tuple[Phase, str, str]:
    if recurrence.template.suspend:
        return Phase.SUSPENDED, "Suspended", "suspend is true: nothing of it runs"
    told = "started again whenever it has ended"
    if recurrence.next_at is not None:
        at = recurrence.next_at.isoformat(timespec="seconds")
        told = f"its last run failed or ended at once: it is started again at {at}"
        return Phase.PENDING, "BackOff", told
    return Phase.SCHEDULED, "Repeats", told


def _open_phase(facts: Facts) -> tuple[Phase, str, str]:
    if facts.record.started_at is None:
        if facts.unprepared:
            return Phase.STARTING, "StorageNotPrepared", facts.unprepared
        if facts.failures:
            return Phase.STARTING, "ActionFailed", facts.failures[0]
        pending = next((e for g in facts.groups if (e := g.pending_error())), "")
        reason, noted = next(iter(facts.notes), ("Starting", ""))
        if reason in (MAKING_ROOM, "NameConflict"):
            return Phase.STARTING, reason, noted
        return Phase.STARTING, "Starting", pending or noted or "its core components are starting"
    return Phase.RUNNING, "Running", "all core components are up"


def _blocked_phase(facts: Facts, blocked: Blocked) -> tuple[Phase, str, str]:
    if blocked.reason == "Suspended":
        if facts.groups:
            return Phase.TERMINATING, "Suspended", "its services are being stopped"
        return Phase.SUSPENDED, "Suspended", blocked.message
    if blocked.reason == MAY_HAVE_RUN:
        return Phase.UNKNOWN, blocked.reason, blocked.message
    if blocked.reason == "ObserveOnly":
        return Phase.QUEUED, blocked.reason, blocked.message
    return Phase.PENDING, blocked.reason, blocked.message


def _ending(record: Record) -> str:
    ended = record.ended
    if ended is None:
        return ""
    code = "" if ended.code is None else f" with exit code {ended.code}"
    attempts = f" after {record.attempt} attempts" if record.attempt > 1 else ""
    match ended.reason:
        case EndReason.COMPLETED:
            return f"completed{code}{attempts}"
        case EndReason.NON_ZERO_EXIT:
            return f"failed{code}{attempts}; raise run to start it again"
        case EndReason.IMAGE_UNAVAILABLE | EndReason.REJECTED:
            told = f"{ENDED[ended.reason]}{attempts}; zoe events has the engine's words"
            return f"{told}: correct what they name, and raise run to start it again"
        case EndReason.DELETED | EndReason.SUPERSEDED | EndReason.SKIPPED | EndReason.MISSED:
            return ENDED[ended.reason]
        case EndReason.LIFETIME_REACHED | EndReason.IDLE:
            return f"{ENDED[ended.reason]}; raise run to start it again"
        case _:
            return f"{ENDED[ended.reason]}{code}{attempts}; raise run to start it again"
