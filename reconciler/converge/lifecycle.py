"""How an execution moves on: from what is wanted and what is seen to the next ledger facts.

The state machine as a specification is docs/architecture.md. Each function below is one group of
its arrows; every arrow is one ledger fact. Nothing here starts or stops anything: services follow
from the record (``render``, ``plan``), so a crash between two steps is only a delay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from policy.model.execution import Allocation, ApplicationType
from reconciler.converge.ledger import (
    UPDATE_FAILED,
    EndReason,
    Entry,
    Fact,
    Record,
    fold,
    is_rerun_by_return,
)
from reconciler.converge.render import component_hash
from reconciler.converge.runs import is_scheduled, time_of
from reconciler.converge.tasks import Failure, Group
from reconciler.manifest.spec import ExecutionSpec, Manifest, Service, UpdateMode

FAILED_START_LIMIT = 3


class Edit(StrEnum):
    """What an edit of a live execution takes."""

    NONE = "none"
    IN_PLACE = "in place"
    ROLLING = "rolling"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A fact with what to tell people about it."""

    entry: Entry
    message: str
    is_warning: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """All that the next step of one uid depends on.

    ``manifest`` is None when nobody wants it any more (and the prune guard let that through);
    ``departure`` says why then. ``spec`` is what was frozen for the record's generation, or None
    before the first admission. ``dependency_failed`` names a predecessor that can't succeed.
    Outside of change windows what runs ``may_change`` by no edit.
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
    if record is not None and not record.attempt_open and not record.is_final:
        wanted = spec or (manifest.spec if manifest else None)
        if wanted is not None:
            record = _apply(record, _between(record, wanted, situation), steps)
    return Advance(record=record, steps=tuple(steps), refrozen=refrozen)


def classify(old: ExecutionSpec, new: ExecutionSpec) -> Edit:
    """Return what it takes to bring a live execution from one spec to another."""
    if old == new:
        return Edit.NONE
    before = {service.name: service for service in old.services}
    after = {service.name: service for service in new.services}
    if old.type is not new.type or before.keys() != after.keys():
        return Edit.REPLACE
    if any(_where(before[name]) != _where(after[name]) for name in after):
        return Edit.REPLACE
    if any(component_hash(before[name]) != component_hash(after[name]) for name in after):
        return Edit.ROLLING
    return Edit.IN_PLACE


def is_refused(record: Record, manifest: Manifest, spec: ExecutionSpec | None) -> bool:
    """Tell whether an edit needs a higher run: what ended, or is an admitted batch, stays so."""
    if manifest.spec is None or record.document_hash == manifest.document_hash:
        return False
    if record.is_final:
        return True
    if spec is None or spec.type is not ApplicationType.BATCH or not record.incarnation:
        return False
    return classify(spec, manifest.spec) in (Edit.ROLLING, Edit.REPLACE)


def would_change(record: Record, manifest: Manifest, spec: ExecutionSpec | None) -> bool:
    """Tell whether an edit asks for a change of what runs."""
    if not record.attempt_open or manifest.spec is None:
        return False
    if manifest.suspend or _follows(record, manifest, spec):
        return True
    is_edited = manifest.document_hash != record.document_hash
    return is_edited and not is_refused(record, manifest, spec)


def is_outdated(record: Record, manifest: Manifest, spec: ExecutionSpec | None) -> bool:
    """Tell whether its ZApp or Platform changed since a live execution was frozen."""
    return (
        record.attempt_open
        and spec is not None
        and manifest.spec is not None
        and record.document_hash == manifest.document_hash
        and classify(spec, manifest.spec) is not Edit.NONE
    )


def _where(service: Service) -> tuple[object, ...]:
    return (service.constraints, service.spread, service.max_per_node, service.completes)


def _apply(record: Record | None, found: Sequence[Step], steps: list[Step]) -> Record | None:
    steps.extend(found)
    return fold((step.entry for step in found), record)


def _noticed(
    record: Record | None, manifest: Manifest, situation: Situation
) -> tuple[list[Step], ExecutionSpec | None]:
    """First sight, sight again after a deletion, a new meaning of the document."""
    entry = Entry(uid=manifest.uid, run=manifest.run, fact=Fact.FIRST_SEEN, at=situation.now)
    if record is None:
        return [
            Step(entry=entry, message=_told_first(manifest)),
            _generation(entry, manifest, 1, "generation 1"),
        ], None
    spec = manifest.spec
    if record.ended is not None:
        returns = record.ended.reason is EndReason.DELETED and (
            spec is not None and (is_rerun_by_return(spec.type) or not record.incarnation)
        )
        if not returns:
            return [], None
        return [
            Step(entry=entry, message="its file came back: it starts again"),
            _generation(entry, manifest, record.generation + 1, "a new generation"),
        ], None
    if record.attempt_open and not situation.may_change:
        return [], None
    if manifest.document_hash == record.document_hash:
        return _followed(record, manifest, situation)
    if is_refused(record, manifest, situation.spec):
        return [], None
    return _edited(record, manifest, situation)


def _told_first(manifest: Manifest) -> str:
    if is_scheduled(manifest.run):
        return f"due at {time_of(manifest.run).isoformat(timespec='minutes')}"
    return f"seen in {manifest.origin.path}"


def _followed(
    record: Record, manifest: Manifest, situation: Situation
) -> tuple[list[Step], ExecutionSpec | None]:
    """With ``update: auto`` a live execution follows its ZApp and Platform as if edited."""
    if not _follows(record, manifest, situation.spec):
        return [], None
    return _edited(record, manifest, situation)


def _follows(record: Record, manifest: Manifest, spec: ExecutionSpec | None) -> bool:
    if manifest.update is not UpdateMode.AUTO or spec is None:
        return False
    return is_outdated(record, manifest, spec) and spec.type is not ApplicationType.BATCH


def _edited(
    record: Record, manifest: Manifest, situation: Situation
) -> tuple[list[Step], ExecutionSpec | None]:
    entry = Entry(uid=record.uid, run=record.run, fact=Fact.GENERATION, at=situation.now)
    number = record.generation + 1
    old, new = situation.spec, manifest.spec
    if not record.attempt_open or old is None or new is None:
        return [_generation(entry, manifest, number, f"generation {number}")], None
    edit = classify(old, new)
    step = _generation(entry, manifest, number, f"generation {number}, {edit}")
    if edit is not Edit.REPLACE:
        return [step], new
    return [
        step,
        _ended(record, situation, EndReason.REPLACED, "replaced by a new generation"),
    ], None


def _departed(record: Record, situation: Situation) -> list[Step]:
    """Nobody wants it any more: its file is gone, or a higher run took over."""
    reason = situation.departure
    message = (
        "its file was deleted" if reason is EndReason.DELETED else "a higher run took its place"
    )
    steps = [_ended(record, situation, reason, message)] if record.attempt_open else []
    return [*steps, _final(record, situation, Fact.CANCELLED, reason, message)]


def _attempt(
    record: Record, manifest: Manifest, spec: ExecutionSpec, situation: Situation
) -> list[Step]:
    """One open attempt: did it start, end, fail, run out of time?"""
    if manifest.suspend and situation.may_change:
        return [_ended(record, situation, EndReason.SUSPENDED, "suspended")]
    if situation.attempts_are_as_recorded:
        return []
    mine = [group for group in situation.groups if _is_of(group, record)]
    if _is_complete(spec, mine, situation.placements):
        started = [] if record.started_at else [_started(record, situation)]
        return [
            *started,
            _ended(record, situation, EndReason.COMPLETED, "completed", code=0),
            _final(record, situation, Fact.FINISHED, EndReason.COMPLETED, "completed", code=0),
        ]
    failure = _failure(record, spec, mine, situation)
    if failure is not None and _can_go_back(record, failure):
        return [_update_failed(record, situation, failure)]
    if failure is not None:
        return [
            _ended(record, situation, failure.reason, failure.message, code=failure.code, bad=True)
        ]
    if (late := _out_of_time(record, spec, situation)) is not None:
        return late
    if record.started_at is None and _core_is_up(spec, mine):
        return [_started(record, situation)]
    return []


def _can_go_back(record: Record, failure: Failure) -> bool:
    """Tell whether an edit of what already ran is to blame, so that the last good one returns."""
    is_edited = record.started_at is not None and record.good_generation > 0
    return is_edited and not record.is_update_held and failure.reason in _BLAMES_THE_EDIT


_BLAMES_THE_EDIT = frozenset(
    {EndReason.IMAGE_UNAVAILABLE, EndReason.REJECTED, EndReason.CRASH_LOOP}
)


def _update_failed(record: Record, situation: Situation, failure: Failure) -> Step:
    entry = replace(_entry(record, situation, Fact.HELD), reason=UPDATE_FAILED)
    told = (
        f"generation {record.generation} failed ({failure.message}); "
        f"generation {record.good_generation} goes on until the next edit"
    )
    return Step(entry=entry, message=told, is_warning=True)


def _between(record: Record, spec: ExecutionSpec, situation: Situation) -> list[Step]:
    """No attempt is open: is there another one to come?"""
    if situation.dependency_failed:
        message = f"{situation.dependency_failed} didn't succeed"
        return [_final(record, situation, Fact.FINISHED, EndReason.DEPENDENCY_FAILED, message)]
    if not record.incarnation and spec.queue_timeout_ms is not None:
        since = max(record.queued_at, spec.not_before or record.queued_at)
        waited = situation.now - since
        if waited >= timedelta(milliseconds=spec.queue_timeout_ms):
            message = "waited in the queue for longer than its queueTimeout"
            return [_final(record, situation, Fact.FINISHED, EndReason.QUEUE_TIMEOUT, message)]
    end = record.last_end
    if end is None or may_retry(record, spec):
        return []
    return [_final(record, situation, Fact.FINISHED, end.reason, _told(end.reason), code=end.code)]


def may_retry(record: Record, spec: ExecutionSpec) -> bool:
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


def _is_of(group: Group, record: Record) -> bool:
    return group.attempt == record.attempt


def _by_component(groups: Sequence[Group]) -> Mapping[str, list[Group]]:
    found: dict[str, list[Group]] = {}
    for group in groups:
        found.setdefault(group.component, []).append(group)
    return found


def _is_complete(
    spec: ExecutionSpec, groups: Sequence[Group], placements: Sequence[Allocation]
) -> bool:
    if spec.type is not ApplicationType.BATCH:
        return False
    completing = {service.name for service in spec.services if service.completes}
    placed = [group for group in placements if group.component in completing]
    there = {(group.component, group.service.spec.node) for group in groups}
    # A group that is to come, elastic as it is, isn't waited for: it would have nothing to do.
    needed = sum(p.count for p in placed if (p.component, p.node) in there)
    core = sum(service.core for service in spec.services if service.completes)
    done = sum(group.complete for group in groups if group.component in completing)
    return 0 < max(needed, core) <= done


def _core_is_up(spec: ExecutionSpec, groups: Sequence[Group]) -> bool:
    parts = _by_component(groups)
    return all(
        sum(group.running + group.complete for group in parts.get(service.name, [])) >= service.core
        for service in spec.services
    )


def _failure(
    record: Record, spec: ExecutionSpec, groups: Sequence[Group], situation: Situation
) -> Failure | None:
    """Return why the gang can't go on; elastic replicas may come and go."""
    parts = _by_component(groups)
    for service in spec.services:
        runs_once = spec.type is ApplicationType.BATCH and service.completes
        mine = parts.get(service.name, [])
        bad = [(g, f) for g in mine if (f := _group_failure(g, runs_once=runs_once)) is not None]
        placed = [p for p in situation.placements if p.component == service.name]
        lost = sum(g.service.spec.replicas for g, _ in bad)
        if bad and (runs_once or sum(p.count for p in placed) - lost < service.core):
            return bad[0][1]
        nodes = {group.service.spec.node for group in mine}
        there = sum(p.count for p in placed if p.node in nodes)
        if runs_once and record.started_at is not None and there < service.core:
            return Failure(
                reason=EndReason.REMOVED,
                message=f"{service.name}: its service was removed by somebody else",
            )
    return None


def _group_failure(group: Group, *, runs_once: bool) -> Failure | None:
    host = group.node.hostname if group.node else group.service.spec.node
    if group.is_stranded:
        told = (
            f"{group.component}: its node {host} is {'lost' if group.is_node_lost else 'drained'}"
        )
        return Failure(reason=EndReason.NODE_LOST, message=told)
    failure = group.failure(runs_once=runs_once)
    if failure is None:
        return None
    return replace(failure, message=f"{group.component} on {host}: {failure.message}")


def _out_of_time(record: Record, spec: ExecutionSpec, situation: Situation) -> list[Step] | None:
    now = situation.now
    if record.started_at is None:
        since = record.intended_at or now
        if now - since < timedelta(milliseconds=situation.start_timeout_ms):
            return None
        message = _slow_start(situation)
        return [_ended(record, situation, EndReason.START_TIMEOUT, message, bad=True)]
    if spec.lifetime_ms is None:
        return None
    ran = timedelta(milliseconds=record.ran_ms) + (now - record.started_at)
    if ran < timedelta(milliseconds=spec.lifetime_ms):
        return None
    is_batch = spec.type is ApplicationType.BATCH
    reason = EndReason.DEADLINE_EXCEEDED if is_batch else EndReason.LIFETIME_REACHED
    message = "its lifetime is over"
    return [
        _ended(record, situation, reason, message),
        _final(record, situation, Fact.FINISHED, reason, message),
    ]


def _slow_start(situation: Situation) -> str:
    for group in situation.groups:
        if error := group.pending_error():
            return f"didn't start in time: {group.component}: {error}"
    return "didn't start in time"


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


def _generation(entry: Entry, manifest: Manifest, number: int, message: str) -> Step:
    fact = replace(entry, fact=Fact.GENERATION, generation=number, spec_hash=manifest.document_hash)
    return Step(entry=fact, message=message)


def _started(record: Record, situation: Situation) -> Step:
    entry = _entry(record, situation, Fact.ATTEMPT_STARTED)
    return Step(entry=entry, message="all core components are up")


def _ended(
    record: Record,
    situation: Situation,
    reason: EndReason,
    message: str,
    *,
    code: int | None = None,
    bad: bool = False,
) -> Step:
    entry = replace(_entry(record, situation, Fact.ATTEMPT_ENDED), reason=str(reason), code=code)
    return Step(entry=entry, message=message, is_warning=bad)


def preempted(record: Record, now: datetime, message: str) -> Step:
    """Return the end of an attempt whose place others need."""
    entry = Entry(
        uid=record.uid,
        run=record.run,
        fact=Fact.ATTEMPT_ENDED,
        at=now,
        generation=record.generation,
        attempt=record.attempt,
        reason=str(EndReason.PREEMPTED),
    )
    return Step(entry=entry, message=message)


def _final(
    record: Record,
    situation: Situation,
    fact: Fact,
    reason: EndReason,
    message: str,
    *,
    code: int | None = None,
) -> Step:
    entry = replace(_entry(record, situation, fact), reason=str(reason), code=code)
    return Step(entry=entry, message=message, is_warning=reason is not EndReason.COMPLETED)


def _entry(record: Record, situation: Situation, fact: Fact) -> Entry:
    return Entry(
        uid=record.uid,
        run=record.run,
        fact=fact,
        at=situation.now,
        generation=record.generation,
        attempt=record.attempt,
    )
