"""Who may be asked for, and what an admission writes down before anything starts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from policy.model.decision import Decision, Preemption
from policy.model.execution import Allocation, NodeId, Uid
from reconciler import canonical
from reconciler.converge import calm, secret_access, storage
from reconciler.converge.accounting import progress_of
from reconciler.converge.blocked import Blocked, blocked
from reconciler.converge.draft import Draft
from reconciler.converge.history import expected
from reconciler.converge.ledger import EndReason, Entry, Fact, Record, fold
from reconciler.converge.queue import Candidate
from reconciler.converge.steps import Step, ended
from reconciler.converge.tasks import Group
from reconciler.converge.turns import take_turns
from reconciler.manifest.spec import ExecutionSpec, Manifest, Overlap


def candidates(draft: Draft) -> tuple[list[Candidate], list[Candidate]]:
    """Split those that are wanted into queued and admitted; note why others are blocked."""
    queued: list[Candidate] = []
    admitted: list[Candidate] = []
    for uid in sorted(draft.lively & draft.records.keys()):
        record, manifest = draft.records[uid], draft.wanted.manifests.get(uid)
        spec = draft.spec_of(uid, record) or (manifest.spec if manifest else None)
        if record.is_final or spec is None:
            continue
        if record.attempt_open:
            known = manifest or draft.stand_in(uid, record)
            admitted.append(_candidate(draft, known, record, spec))
            continue
        if manifest is None or uid in draft.kept:
            continue
        candidate = _candidate(draft, manifest, record, spec)
        why = _why_blocked(draft, candidate)
        if why is None:
            queued.append(candidate)
        else:
            draft.blocked[uid] = why
    queued = take_turns(draft, queued)
    for candidate in _calm(draft):
        (admitted if candidate.record.attempt_open else queued).append(candidate)
    return queued, admitted


def _calm(draft: Draft) -> Iterator[Candidate]:
    """Yield those that are as before, but for what is known of how long they run."""
    before = draft.world.last.candidates if draft.world.last is not None else {}
    informed = calm.informed(draft)
    for uid, candidate in before.items():
        # A preview's base may have brought what no pass has seen: without it nobody knows of that.
        if uid in draft.lively or uid not in draft.records:
            continue
        if "" in informed or candidate.manifest.namespace in informed:
            yield _candidate(draft, candidate.manifest, candidate.record, candidate.spec)
        else:
            yield candidate


def _candidate(draft: Draft, manifest: Manifest, record: Record, spec: ExecutionSpec) -> Candidate:
    uid, stays = record.uid, _stays_as_it_is(draft, record, spec)
    if draft.ends_soon(uid, record, spec):
        draft.ending.add(uid)
    return Candidate(
        manifest=manifest,
        record=record,
        spec=spec,
        groups=draft.placements.get(uid, ()) if record.attempt_open else (),
        progress=progress_of(
            draft.memory.progress.get(uid),
            draft.memory.records.get(uid),
            spec,
            draft.memory.placements.get(uid, ()),
        ),
        estimate=expected(draft.memory.runtimes, manifest.namespace, manifest.name, spec),
        is_growable=not (uid in draft.ending or uid in draft.kept or stays),
        gives_way=uid not in draft.kept,
    )


def _stays_as_it_is(draft: Draft, record: Record, spec: ExecutionSpec | None) -> bool:
    """Tell whether nothing can be made from what was frozen, so that no replica comes or goes."""
    gone = spec is not None and storage.withdrawn(spec, draft.world.host.storages) is not None
    return record.is_adopted or gone


def homes(draft: Draft) -> Mapping[str, NodeId]:
    """Return each namespace's node of first use, where its local storage is."""
    found: dict[str, tuple[int, NodeId]] = {}
    for uid, record in draft.records.items():
        identity = draft.memory.identities.get(uid) if record.home else None
        if identity is not None:
            best = found.get(identity.namespace, (-1, NodeId("")))
            found[identity.namespace] = max(best, (record.last_seq, NodeId(record.home)))
    return {namespace: node for namespace, (_, node) in found.items()}


def preempt(draft: Draft, decision: Decision) -> tuple[tuple[Uid, Group], ...]:
    """End the attempts that make room for others; return the groups to harvest first.

    Those executions queue again with the age that they had, as soon as their tasks are gone.
    """
    if not draft.world.may_start:
        return ()
    for preemption in decision.preemptions:
        uid = preemption.uid
        message = f"made room for {_beneficiary(draft, preemption)}"
        step = ended(draft.records[uid], EndReason.PREEMPTED, message, at=draft.world.now)
        draft.steps.append(step)
        moved = fold([step.entry], draft.records[uid])
        if moved is not None:
            draft.records[uid] = moved
        draft.placements[uid] = ()
        draft.lively.add(uid)
        draft.blocked[uid] = Blocked(reason="Preempted", message=f"{message}; it queues again")
    uids = [preemption.uid for preemption in decision.preemptions]
    return tuple((uid, group) for uid in uids for group in draft.groups.get(uid, ()) if group.tasks)


def _beneficiary(draft: Draft, preemption: Preemption) -> str:
    if preemption.by is None:
        return "a reservation"
    identity = draft.identity(preemption.by)
    return f"{identity.namespace}/{identity.name}"


def admit(draft: Draft, decision: Decision, queued: Mapping[Uid, Candidate]) -> None:
    """Turn starts and resizes into facts and groups: the intent, before any effect."""
    if not draft.world.may_start:
        return
    for start in decision.starts:
        candidate = queued[start.uid]
        _intend(draft, candidate, start.allocations)
    for resize in decision.resizes:
        record = draft.records[resize.uid]
        if _stays_as_it_is(draft, record, draft.spec_of(resize.uid, record)):
            continue
        draft.placements[resize.uid] = resize.allocations
        draft.lively.add(resize.uid)


def _intend(draft: Draft, candidate: Candidate, groups: tuple[Allocation, ...]) -> None:
    record = candidate.record
    intended = Entry(
        uid=record.uid,
        run=record.run,
        fact=Fact.ATTEMPT_INTENDED,
        at=draft.world.now,
        generation=record.generation,
        attempt=record.attempt + 1,
        node=_home_of(draft, candidate.spec, groups),
    )
    steps = [Step(entry=intended, message=_told_start(groups))]
    if record.incarnation != record.generation or record.is_adopted:
        admitted = replace(
            intended,
            fact=Fact.ADMITTED,
            node="",
            spec_hash=canonical.digest(candidate.spec),
        )
        steps.insert(0, Step(entry=admitted, message="admitted"))
        draft.frozen[record.uid, record.generation] = candidate.spec
    draft.steps += steps
    moved = fold((step.entry for step in steps), record)
    if moved is not None:
        draft.records[record.uid] = moved
    draft.placements[record.uid] = groups
    draft.lively.add(record.uid)


def _home_of(draft: Draft, spec: ExecutionSpec, groups: Sequence[Allocation]) -> str:
    storages = draft.world.host.storages
    mounting = {
        service.name
        for service in spec.services
        for volume in service.volumes
        if not storages[volume.storage].is_shared
    }
    return next((group.node for group in groups if group.component in mounting), "")


def _why_blocked(draft: Draft, candidate: Candidate) -> Blocked | None:
    manifest = candidate.manifest
    if draft.is_outrun(manifest):
        message = "a higher run was seen before; raise run above it"
        return Blocked(reason="RunWentBack", message=message)
    if draft.wanted.platform.suspend:
        return Blocked(reason="PlatformSuspended", message="platform.yaml suspends all starts")
    if (closed := _held_for_window(draft, candidate)) is not None:
        return closed
    why = blocked(
        candidate,
        now=draft.world.now,
        siblings=draft.predecessors(manifest, candidate.spec),
        has_leftovers=_has_leftovers(draft, candidate),
    )
    return why or _lacks_storage(draft, candidate) or _lacks_secret(draft, candidate)


def _lacks_storage(draft: Draft, candidate: Candidate) -> Blocked | None:
    why = storage.withdrawn(candidate.spec, draft.world.host.storages)
    return Blocked(reason=why[0], message=why[1]) if why is not None else None


def _lacks_secret(draft: Draft, candidate: Candidate) -> Blocked | None:
    why = secret_access.trouble(draft, candidate.record.uid, candidate.spec)
    return Blocked(reason=why[0], message=why[1]) if why is not None else None


def _held_for_window(draft: Draft, candidate: Candidate) -> Blocked | None:
    """Tell whether the run before it may only be replaced in a change window."""
    if draft.closed is None:
        return None
    runs = draft.roll.runs[candidate.manifest.namespace, candidate.manifest.name]
    before = [uid for uid in runs.values() if uid != candidate.record.uid]
    if not any(draft.held.get(uid) == draft.closed.why for uid in before):
        return None
    code, message = draft.closed.why
    return Blocked(reason=code, message=message, until=draft.closed.until)


def _has_leftovers(draft: Draft, candidate: Candidate) -> bool:
    """Tell whether tasks of an earlier run or attempt still hold its name or its files."""
    schedule = candidate.manifest.schedule
    if schedule is not None and schedule.overlap is Overlap.ALLOW:
        return draft.has_live_tasks(candidate.record.uid)
    runs = draft.roll.runs[candidate.manifest.namespace, candidate.manifest.name]
    return any(draft.has_live_tasks(uid) for uid in runs.values())


def _told_start(groups: Sequence[Allocation]) -> str:
    replicas = sum(group.count for group in groups)
    nodes = len({group.node for group in groups})
    of = "replica" if replicas == 1 else "replicas"
    return f"starts {replicas} {of} on {nodes} node{'' if nodes == 1 else 's'}"
