"""Who needn't be looked at again, so that a pass costs what changed and not what exists.

An execution is calm after a pass that had nothing to do for it and nothing to say but how it is,
for as long as all that it depends on stays the very same: its manifest, record, groups, tasks and
nodes, what all depend on, and the clocks that are its own. What a calm one came to is taken over
from the pass before. Only what is seldom and what is short is never calm, so that little has to
be known here: whatever isn't mentioned is looked at in every pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from policy.model.execution import Uid
from reconciler.converge.basis import Basis
from reconciler.converge.draft import ENDS_SOON, Draft
from reconciler.converge.instants import from_epoch_ms
from reconciler.converge.ledger import Record
from reconciler.converge.queue import Candidate
from reconciler.converge.turns import bounded
from reconciler.manifest.spec import ExecutionSpec, Manifest

Clock = tuple[datetime, ...]
"""When something changes by itself; empty where nothing does."""


def lively(draft: Draft) -> set[Uid]:
    """Return whom the pass must look at; asked once all that operators say is in the ledger."""
    last = draft.last
    everybody = draft.records.keys() | draft.wanted.manifests.keys()
    if last is None or last.common != common(draft):
        return everybody
    now, found = draft.world.now, everybody - last.calm.keys()
    found |= {uid for uid, until in last.calm.items() if until is not None and until <= now}
    for new, old in (
        (draft.wanted.manifests, last.manifests),
        (draft.records, last.records),
        (draft.placements, last.placements),
        (draft.memory.progress, last.progress),
        (draft.groups, last.grouped.by_uid),
    ):
        found |= _changed(new, old)
    if draft.roll is not last.roll:
        found |= _namesakes(draft, last)
    return found & everybody


def common(draft: Draft) -> tuple[object, ...]:
    """Return what every execution depends on."""
    world, wanted = draft.world, draft.wanted
    return (
        world.host,
        world.epoch,
        world.may_start,
        world.attempts_are_as_recorded,
        world.tells is None,
        world.vault,
        wanted.source_id,
        wanted.platform,
        wanted.namespaces,
        draft.closed,
        draft.holds,
        draft.storage_faults,
        draft.grouped.nodes,
    )


def basis(draft: Draft, candidates: Mapping[Uid, Candidate]) -> Basis:
    """Return what the next pass compares with."""
    moved = {step.entry.uid for step in draft.steps}
    calm = {} if draft.last is None else dict(draft.last.calm)
    now = draft.world.now
    for uid in draft.lively:
        calm.pop(uid, None)
        if uid in moved or not _is_settled(draft, uid):
            continue
        clock = _clock(draft, uid, candidates)
        if clock is not None and all(at > now for at in clock):
            calm[uid] = min(clock, default=None)
    return Basis(
        common=common(draft),
        manifests=draft.wanted.manifests,
        records=draft.records,
        placements=draft.placements,
        progress=dict(draft.memory.progress),
        runtimes=dict(draft.memory.runtimes),
        grouped=draft.grouped,
        roll=draft.roll,
        calm={uid: until for uid, until in calm.items() if uid in draft.records},
    )


def informed(draft: Draft) -> frozenset[str]:
    """Return the namespaces in which more is known now of how long something runs; "" is all."""
    before = draft.last.runtimes if draft.last is not None else {}
    return frozenset(namespace for namespace, _ in _changed(draft.memory.runtimes, before))


def _changed(new: Mapping[Any, object], old: Mapping[Any, object]) -> set[Any]:
    if new is old:
        return set()
    missing = object()
    changed = {key for key, value in new.items() if old.get(key, missing) is not value}
    return changed | (old.keys() - new.keys())


def _namesakes(draft: Draft, last: Basis) -> set[Uid]:
    """Return the runs of names that have come, gone, or got another run."""
    found: set[Uid] = set()
    for now, before in ((draft.roll, last.roll), (last.roll, draft.roll)):
        for name, runs in now.runs.items():
            if before.runs.get(name) != runs:
                found.update(runs.values())
    return found


def _is_settled(draft: Draft, uid: Uid) -> bool:
    """Tell whether the pass changed nothing and nobody keeps the execution from anything."""
    record = draft.records.get(uid)
    return (
        record is not None
        and not record.held
        and not record.is_adopted
        and draft.placements.get(uid, ()) == draft.memory.placements.get(uid, ())
        and not any(uid in those for those in (draft.held, draft.blocked, draft.kept, draft.ending))
    )


def _clock(draft: Draft, uid: Uid, candidates: Mapping[Uid, Candidate]) -> Clock | None:
    """Return when an execution's state may change by itself; None: it must be looked at."""
    record, manifest = draft.records[uid], draft.wanted.manifests.get(uid)
    if uid in draft.wanted.recurrences:
        return None
    if record.is_final:
        return () if uid not in draft.groups else None
    spec = draft.spec_of(uid, record) or (manifest.spec if manifest is not None else None)
    if manifest is None or manifest.spec is None or spec is None or manifest.suspend:
        return None
    if uid not in candidates or draft.is_outrun(manifest):
        return None
    if record.attempt_open:
        return _clock_of_running(draft, record, spec)
    return () if _just_waits(draft, record, manifest, manifest.spec) else None


def _clock_of_running(draft: Draft, record: Record, spec: ExecutionSpec) -> Clock | None:
    started, progress = record.started_at, draft.memory.progress.get(record.uid)
    if started is None or spec.idle is not None:
        return None
    clock = []
    if spec.lifetime_ms is not None:
        left = timedelta(milliseconds=spec.lifetime_ms - record.ran_ms)
        clock.append(started + left - ENDS_SOON)
    if progress is not None and progress.shrunk_ms is not None:
        regrows_ms = progress.shrunk_ms + draft.wanted.platform.policy.regrow_ms
        if (at := from_epoch_ms(regrows_ms)) > draft.world.now:
            clock.append(at)
    return tuple(clock)


def _just_waits(draft: Draft, record: Record, manifest: Manifest, spec: ExecutionSpec) -> bool:
    """Tell whether only the queue decides when it starts: no other execution, and no clock."""
    return (
        not record.attempt
        and not spec.after
        and spec.queue_timeout_ms is None
        and (spec.not_before is None or spec.not_before <= draft.world.now)
        and not any(service.secrets for service in spec.services)
        and bounded(manifest) is None
        and record.uid not in draft.groups
        and len(draft.roll.runs[manifest.namespace, manifest.name]) == 1
    )
