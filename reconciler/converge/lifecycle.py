"""How an execution moves on: from what is wanted and what is seen to the next ledger facts.

The state machine as a specification is docs/architecture.md. Each function below is one group of
its arrows; every arrow is one ledger fact. Nothing here starts or stops anything: services follow
from the record (``render``, ``plan``), so a crash between two steps is only a delay.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from policy.model.execution import Allocation, ApplicationType
from reconciler.converge import idleness
from reconciler.converge.attempt import failure_of, is_complete, is_up, why_not_started
from reconciler.converge.edits import Edit, classify, follows, is_refused
from reconciler.converge.idleness import Activity
from reconciler.converge.ledger import EndReason, Record, fold, is_rerun_by_return
from reconciler.converge.queue import waits_since
from reconciler.converge.runs import is_scheduled, time_of
from reconciler.converge.steps import (
    Step,
    cancelled,
    ended,
    finished,
    first_seen,
    generation,
    started,
    update_held,
)
from reconciler.converge.tasks import Failure, Group
from reconciler.manifest.spec import ExecutionSpec, Manifest

FAILED_START_LIMIT = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """All that the next step of one uid depends on.

    ``manifest`` is None when nobody wants it any more (and the prune guard let that through);
    ``departure`` says why then. ``spec`` is what was frozen for the record's generation, or None
    before the first admission; ``newest_spec`` is the newest generation's, where that failed and
    an earlier one goes on. ``dependency_failed`` names a predecessor that can't succeed.
    Outside of change windows what runs ``may_change`` by no edit. ``activity`` is what is known of
    its use; ``unprepared`` says why a storage of it isn't ready.
    """

    record: Record | None
    manifest: Manifest | None
    spec: ExecutionSpec | None
    placements: tuple[Allocation, ...]
    groups: tuple[Group, ...]
    now: datetime
    start_timeout_ms: int
    departure: EndReason = EndReason.DELETED
    dependency_failed: str = ""
    attempts_are_as_recorded: bool = False
    may_change: bool = True
    newest_spec: ExecutionSpec | None = None
    activity: Activity | None = None
    unprepared: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advance:
    """The facts of one pass for one uid, the record after them, and a spec to freeze."""

    record: Record | None
    steps: tuple[Step, ...] = ()
    refrozen: ExecutionSpec | None = None


def advance(situation: Situation) -> Advance:
    """Return what happens next to one execution. Pure; the same situation gives the same facts."""
    steps: list[Step] = []
    record, refrozen = situation.record, None
    manifest = situation.manifest
    if manifest is not None and manifest.spec is not None:
        seen, refrozen = _noticed(record, manifest, situation)
        record = _apply(record, seen, steps)
    if record is None or record.is_final:
        return Advance(record=record, steps=tuple(steps))
    spec = refrozen or situation.spec
    if manifest is None:
        record = _apply(record, _departed(record, situation), steps)
    elif record.attempt_open and spec is not None:
        record = _apply(record, _attempt(record, manifest, spec, situation), steps)
    if record is not None and not (record.attempt_open or record.is_final or record.held):
        wanted = spec or (manifest.spec if manifest else None)
        if wanted is not None:
            record = _apply(record, _between(record, wanted, situation), steps)
    return Advance(record=record, steps=tuple(steps), refrozen=refrozen)


def _apply(record: Record | None, found: Sequence[Step], steps: list[Step]) -> Record | None:
    steps.extend(found)
    return fold((step.entry for step in found), record)


def _noticed(
    record: Record | None, manifest: Manifest, situation: Situation
) -> tuple[list[Step], ExecutionSpec | None]:
    """First sight, sight again after a deletion, a new meaning of the document."""
    if record is None:
        return [
            first_seen(manifest, _told_first(manifest), at=situation.now),
            generation(manifest, 1, "generation 1", at=situation.now),
        ], None
    if record.ended is not None:
        return _returned(record, manifest, situation), None
    if record.attempt_open and not situation.may_change:
        return [], None
    if manifest.document_hash == record.document_hash:
        is_new = follows(record, manifest, situation.newest_spec or situation.spec)
    else:
        is_new = not is_refused(record, manifest, situation.spec)
    if not is_new:
        return [], None
    return _edited(record, manifest, situation)


def _told_first(manifest: Manifest) -> str:
    if is_scheduled(manifest.run):
        return f"due at {time_of(manifest.run).isoformat(timespec='minutes')}"
    return f"seen in {manifest.origin.path}"


def _returned(record: Record, manifest: Manifest, situation: Situation) -> list[Step]:
    """What ended stays so, but for some of what was deleted and is there again."""
    spec = manifest.spec
    if record.ended is None or record.ended.reason is not EndReason.DELETED or spec is None:
        return []
    if record.incarnation and not is_rerun_by_return(spec.type):
        return []
    return [
        first_seen(manifest, "its file came back: it starts again", at=situation.now),
        generation(manifest, record.generation + 1, "a new generation", at=situation.now),
    ]


def _edited(
    record: Record, manifest: Manifest, situation: Situation
) -> tuple[list[Step], ExecutionSpec | None]:
    now, number = situation.now, record.generation + 1
    old, new = situation.spec, manifest.spec
    if not record.attempt_open or old is None or new is None:
        return [generation(manifest, number, f"generation {number}", at=now)], None
    edit = classify(old, new)
    step = generation(manifest, number, f"generation {number}, {edit}", at=now)
    if edit is not Edit.REPLACE:
        return [step], new
    return [
        step,
        ended(record, EndReason.REPLACED, "replaced by a new generation", at=now),
    ], None


def _departed(record: Record, situation: Situation) -> list[Step]:
    """Nobody wants it any more: its file is gone, or a higher run took over."""
    reason = situation.departure
    message = (
        "its file was deleted" if reason is EndReason.DELETED else "a higher run took its place"
    )
    now = situation.now
    attempt = [ended(record, reason, message, at=now)] if record.attempt_open else []
    return [*attempt, cancelled(record, reason, message, at=now)]


def _attempt(
    record: Record, manifest: Manifest, spec: ExecutionSpec, situation: Situation
) -> list[Step]:
    """One open attempt: did it start, end, fail, run out of time?"""
    now = situation.now
    if manifest.suspend and situation.may_change:
        return [ended(record, EndReason.SUSPENDED, "suspended", at=now)]
    if situation.attempts_are_as_recorded:
        return _outlived(record, spec, now) or []
    mine = [group for group in situation.groups if group.attempt == record.attempt]
    if is_complete(spec, mine, situation.placements):
        start = [] if record.started_at else [started(record, at=now)]
        return [*start, *_over(record, EndReason.COMPLETED, "completed", at=now, code=0)]
    failure = failure_of(record, spec, mine, situation.placements)
    if failure is not None:
        return [_failed(record, failure, at=now)]
    if (late := _out_of_time(record, spec, situation)) is not None:
        return late
    if record.started_at is None and is_up(spec, mine):
        return [started(record, at=now)]
    return []


def _over(
    record: Record, reason: EndReason, message: str, *, at: datetime, code: int | None = None
) -> list[Step]:
    """The attempt was the last one."""
    return [
        ended(record, reason, message, at=at, code=code),
        finished(record, reason, message, at=at, code=code),
    ]


def _failed(record: Record, failure: Failure, *, at: datetime) -> Step:
    if _can_go_back(record, failure):
        return update_held(record, failure.message, at=at)
    return ended(record, failure.reason, failure.message, at=at, code=failure.code, is_warning=True)


def _can_go_back(record: Record, failure: Failure) -> bool:
    """Tell whether an edit of what already ran is to blame, so that the last good one returns."""
    is_edited = record.started_at is not None and record.good_generation > 0
    return is_edited and not record.is_update_held and failure.reason in _BLAMES_THE_EDIT


_BLAMES_THE_EDIT = frozenset(
    {EndReason.IMAGE_UNAVAILABLE, EndReason.REJECTED, EndReason.CRASH_LOOP}
)


def _between(record: Record, spec: ExecutionSpec, situation: Situation) -> list[Step]:
    """No attempt is open: is there another one to come?"""
    now = situation.now
    if situation.dependency_failed:
        message = f"{situation.dependency_failed} didn't succeed"
        return [finished(record, EndReason.DEPENDENCY_FAILED, message, at=now)]
    if not record.incarnation and _has_waited_too_long(record, spec, now):
        message = "waited in the queue for longer than its queueTimeout"
        return [finished(record, EndReason.QUEUE_TIMEOUT, message, at=now)]
    end = record.last_end
    if end is None or _may_retry(record, spec):
        return []
    return [finished(record, end.reason, _told(end.reason), at=now, code=end.code)]


def _has_waited_too_long(record: Record, spec: ExecutionSpec, now: datetime) -> bool:
    if spec.queue_timeout_ms is None:
        return False
    return now - waits_since(record, spec) >= timedelta(milliseconds=spec.queue_timeout_ms)


def _may_retry(record: Record, spec: ExecutionSpec) -> bool:
    """Tell whether an ended attempt is followed by another one."""
    end = record.last_end
    if end is None:
        return True
    match end.reason:
        case EndReason.SUSPENDED | EndReason.REPLACED | EndReason.PREEMPTED:
            return True
        case EndReason.IMAGE_UNAVAILABLE | EndReason.REJECTED | EndReason.START_TIMEOUT:
            return record.failed_starts < FAILED_START_LIMIT
        case EndReason.NODE_LOST | EndReason.REMOVED:
            if spec.type is not ApplicationType.BATCH:
                return True
            return record.nodes_lost <= spec.retries.node_lost
        case EndReason.NON_ZERO_EXIT:
            if end.code in spec.retries.no_retry:
                return False
            return record.failures <= spec.retries.failure
        case EndReason.CRASH_LOOP:
            return record.failures <= spec.retries.failure
        case _:
            return False


def _out_of_time(record: Record, spec: ExecutionSpec, situation: Situation) -> list[Step] | None:
    now = situation.now
    if record.started_at is None:
        since = record.intended_at or now
        if now - since < timedelta(milliseconds=situation.start_timeout_ms):
            return None
        message = situation.unprepared or why_not_started(situation.groups)
        return [ended(record, EndReason.START_TIMEOUT, message, at=now, is_warning=True)]
    if (unused := _unused(record, spec, situation)) is not None:
        return unused
    return _outlived(record, spec, now)


def _outlived(record: Record, spec: ExecutionSpec, now: datetime) -> list[Step] | None:
    """End what has run for its lifetime, which the record alone tells."""
    if record.started_at is None or spec.lifetime_ms is None:
        return None
    ran = timedelta(milliseconds=record.ran_ms) + (now - record.started_at)
    if ran < timedelta(milliseconds=spec.lifetime_ms):
        return None
    is_batch = spec.type is ApplicationType.BATCH
    reason = EndReason.DEADLINE_EXCEEDED if is_batch else EndReason.LIFETIME_REACHED
    return _over(record, reason, "its lifetime is over", at=now)


def _unused(record: Record, spec: ExecutionSpec, situation: Situation) -> list[Step] | None:
    activity = situation.activity
    if spec.idle is None or activity is None or activity.attempt != record.attempt:
        return None
    told = idleness.ending(activity, spec.idle, now=situation.now)
    return _over(record, EndReason.IDLE, told, at=situation.now) if told else None


def _told(reason: EndReason) -> str:
    return {
        EndReason.NON_ZERO_EXIT: "exited with an error",
        EndReason.CRASH_LOOP: "kept crashing",
        EndReason.IMAGE_UNAVAILABLE: "its image can't be had",
        EndReason.REJECTED: "the engine refuses it",
        EndReason.START_TIMEOUT: "didn't start in time",
        EndReason.NODE_LOST: "its node was lost",
        EndReason.REMOVED: "its service was removed by somebody else",
    }.get(reason, str(reason))
