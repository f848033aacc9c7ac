"""One pass, without its reading and writing: a world goes in, an assessment comes out.

The loop, ``zoe plan`` and the preview all call :func:`assess`, so what they show can't differ
from what is done. The order is that of a pass: who left, what happened, who may start, what
should exist, what to do about it, what to tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache, partial

from policy.model.cluster import Snapshot
from policy.model.decision import Decision
from policy.model.execution import NodeId, Uid
from policy.scheduler import decide
from policy.settings import PolicySettings
from reconciler.converge import (
    admission,
    adoption,
    books,
    calm,
    forgetting,
    gateway,
    gateway_services,
    holds,
    keeping,
    lost_nodes,
    naming,
    prefetch,
    reserving,
    schedule,
    secret_access,
)
from reconciler.converge.blocked import can_never_be_met
from reconciler.converge.departures import depart
from reconciler.converge.desired_state import DesiredState, together
from reconciler.converge.disclosure import letters
from reconciler.converge.draft import Draft
from reconciler.converge.edits import would_change
from reconciler.converge.instants import from_epoch_ms, is_within
from reconciler.converge.ledger import EndReason, Record
from reconciler.converge.lifecycle import Situation, advance
from reconciler.converge.plan import (
    Action,
    Note,
    Plan,
    RemoveConfig,
    RemoveNetwork,
    RemoveService,
    network_for,
    plan,
)
from reconciler.converge.queue import Candidate, Taken, snapshot
from reconciler.converge.render import Admitted, Inputs, Rendered, render
from reconciler.converge.secret_plan import RemoveSecret
from reconciler.converge.secrets import named
from reconciler.converge.state import LABEL_NAMESPACE
from reconciler.converge.stranded import without_stranded
from reconciler.converge.tasks import Group, is_live
from reconciler.converge.telling import tell
from reconciler.converge.unread import unread
from reconciler.converge.world import Assessment, World
from reconciler.manifest.platform import Platform
from reconciler.manifest.spec import ExecutionSpec, Manifest

LINGER_S = 60
LINGER_MOST = 500


def assess(world: World) -> Assessment:
    """Return what to do and to tell about the world. Pure."""
    wanted = schedule.expand(
        world.wanted, world.memory, now=world.now, deployment=world.host.deployment
    )
    draft = Draft(replace(world, wanted=wanted))
    holds.enter(draft)
    schedule.note(draft)
    draft.lively = calm.lively(draft)
    harvest = _advance(draft, depart(draft))
    holds.keep_back(draft)
    queued, admitted = admission.candidates(draft)
    settings, homes = settings_of(world.wanted.platform), admission.homes(draft)
    taken = _snapshot(draft, queued, admitted, settings, homes)
    decision = decide(taken, settings)
    harvest += admission.preempt(draft, decision)
    admission.admit(draft, decision, {candidate.record.uid: candidate for candidate in queued})
    rendered = _render_all(draft) if world.tells is None else {}
    gateways = gateway.planned(draft, taken.nodes)
    kept = keeping.keeping(draft, homes)
    others = (_prefetched(draft, taken), kept.state, _reachable(draft, gateways))
    desired = together([*(one.state for one in rendered.values()), *others])
    apart = (*kept.notes, *gateways.notes, *lost_nodes.notes(draft, homes))
    planned = _plan(draft, desired, apart, lingering=kept.lingering)
    there = [(uid, group) for uid, groups in draft.groups.items() for group in groups]
    harvest += unread(planned, there, draft.memory, read=harvest)
    moved = {
        uid: groups
        for uid, groups in draft.placements.items()
        if groups != draft.memory.placements.get(uid, ())
    }
    closed = books.close(draft, moved, taken, decision, settings)
    told = tell(draft, decision, planned)
    candidates = {candidate.record.uid: candidate for candidate in (*queued, *admitted)}
    return Assessment(
        steps=tuple(draft.steps),
        records=draft.records,
        frozen=draft.frozen,
        placements=moved,
        snapshot=taken,
        decision=decision,
        desired=desired,
        plan=planned,
        books=closed,
        statuses=told.statuses,
        harvest=harvest,
        held=draft.held,
        rendered=rendered,
        told=told.by_uid,
        forgotten=schedule.tidied(draft),
        candidates=candidates,
        basis=calm.basis(draft, candidates),
        homes=homes,
        past=forgetting.past(draft),
        letters={
            **letters(draft),
            **gateway_services.letters(gateways, draft.wanted.namespaces),
        },
        moves_told_at=told.moves.told_at,
        wake_at=_wake_at(draft, decision, gateways.until, told.moves.due_at),
    )


def _advance(draft: Draft, departed: Mapping[Uid, EndReason]) -> tuple[tuple[Uid, Group], ...]:
    """Let every execution move on; return the groups whose results must be stored first."""
    harvest: list[tuple[Uid, Group]] = []
    for uid in sorted(draft.lively - draft.wanted.recurrences.keys()):
        manifest = draft.wanted.manifests.get(uid)
        record = draft.records.get(uid)
        if record is not None and uid in draft.kept:
            manifest = draft.stand_in(uid, record)
        elif manifest is None and uid not in departed:
            if record is None or uid not in draft.held:
                continue
            manifest = draft.stand_in(uid, record)  # it goes on: it may start or end meanwhile
        elif manifest is not None and draft.is_outrun(manifest):
            continue
        manifest = adoption.held_back(draft, uid, record, manifest)
        manifest = secret_access.held_back(draft, uid, record, manifest)
        moved = advance(
            Situation(
                record=record,
                manifest=manifest,
                spec=draft.spec_of(uid, record),
                placements=draft.placements.get(uid, ()),
                groups=draft.groups.get(uid, ()),
                now=draft.world.now,
                start_timeout_ms=draft.wanted.platform.start_timeout_ms,
                departure=departed.get(uid, EndReason.DELETED),
                dependency_failed=_failed_dependency(draft, manifest),
                attempts_are_as_recorded=draft.world.attempts_are_as_recorded,
                may_change=draft.closed is None,
                newest_spec=draft.newest_spec_of(uid, record),
                activity=draft.activity.get(uid),
                unprepared=draft.unprepared(uid, draft.spec_of(uid, record)) if record else "",
            )
        )
        draft.steps.extend(moved.steps)
        if moved.record is None:
            continue
        draft.records[uid] = moved.record
        _hold_outside_window(draft, moved.record, manifest)
        if moved.refrozen is not None:
            draft.frozen[uid, moved.record.generation] = moved.refrozen
        if record is not None and record.attempt_open and not moved.record.attempt_open:
            draft.placements[uid] = ()
            harvest += [(uid, group) for group in draft.groups.get(uid, ()) if group.tasks]
        _write_off(draft, uid, moved.record)
    return tuple(harvest)


def _write_off(draft: Draft, uid: Uid, record: Record) -> None:
    """Take the elastic replicas of lost and drained nodes off an attempt that goes on."""
    spec = draft.spec_of(uid, record)
    if record.attempt_open and spec is not None and draft.placements.get(uid):
        groups = (g for g in draft.groups.get(uid, ()) if g.attempt == record.attempt)
        draft.placements[uid] = without_stranded(spec, draft.placements[uid], groups, draft.nodes)


def _hold_outside_window(draft: Draft, record: Record, manifest: Manifest | None) -> None:
    """Say of what runs that its edit waits; what has just ended waits for nothing any more."""
    if draft.closed is None:
        return
    spec = draft.spec_of(record.uid, record)
    if manifest is not None and would_change(
        record, manifest, spec, newest=draft.newest_spec_of(record.uid, record)
    ):
        draft.held[record.uid] = draft.closed.why
    elif not record.attempt_open and draft.held.get(record.uid) == draft.closed.why:
        del draft.held[record.uid]


def _failed_dependency(draft: Draft, manifest: Manifest | None) -> str:
    if manifest is None or manifest.spec is None:
        return ""
    after, siblings = manifest.spec.after, draft.predecessors(manifest, manifest.spec)
    return next((a.name for a in after if can_never_be_met(a, siblings.get(a.name))), "")


def _snapshot(
    draft: Draft,
    queued: list[Candidate],
    admitted: list[Candidate],
    settings: PolicySettings,
    homes: Mapping[str, NodeId],
) -> Snapshot:
    """Return the cluster as the policy decides on it."""
    world, last = draft.world, draft.world.last
    return snapshot(
        world.observed,
        queued,
        admitted,
        storages=world.host.storages,
        homes=homes,
        known=draft.records.keys(),
        tenants=books.tenants(draft, settings),
        reservations=reserving.windows(draft.wanted.reservations, now=world.now),
        last=Taken(last.snapshot, last.candidates, last.homes) if last else None,
    )


def _render_all(draft: Draft) -> Mapping[Uid, Rendered]:
    """Render every open attempt; what is rendered from the same as last time is kept."""
    rendered: dict[Uid, Rendered] = {}
    last = draft.world.last.rendered if draft.world.last else {}
    network_of = cache(partial(_network, draft))
    for uid, record in sorted(draft.records.items()):
        before = last.get(uid)
        if uid not in draft.lively:
            if before is None:
                continue
            if before.inputs.network == network_of(before.inputs.execution.namespace.name):
                rendered[uid] = before
                continue
        spec = draft.spec_of(uid, record)
        if not record.attempt_open or spec is None:
            continue
        execution = _admitted(draft, uid, record, spec)
        namespace = execution.namespace.name
        inputs = Inputs(
            execution=execution,
            host=draft.world.host,
            network=network_of(namespace),
            epoch=draft.world.epoch,
            secrets=named(spec, namespace=namespace, uid=uid, vault=draft.world.vault),
            there=_there(draft, uid, spec),
        )
        as_it_is = adoption.as_it_is(draft, uid, record, spec)
        if as_it_is is not None:
            rendered[uid] = Rendered(inputs=inputs, state=as_it_is)
        else:
            rendered[uid] = before if before and before.inputs == inputs else render(inputs)
    return rendered


def _there(draft: Draft, uid: Uid, spec: ExecutionSpec) -> Mapping[str, str]:
    """Return the services that exist, with their components, where these begin alike."""
    if not naming.begin_alike([service.name for service in spec.services]):
        return {}
    return {group.service.spec.name: group.component for group in draft.groups.get(uid, ())}


def _admitted(draft: Draft, uid: Uid, record: Record, spec: ExecutionSpec) -> Admitted:
    identity = draft.identity(uid)
    return Admitted(
        uid=uid,
        namespace=draft.owner(identity.namespace),
        name=identity.name,
        run=record.run,
        generation=record.generation,
        incarnation=record.incarnation,
        attempt=record.attempt,
        spec=spec,
        groups=draft.placements.get(uid, ()),
    )


def _network(draft: Draft, namespace: str) -> str:
    return network_for(
        namespace,
        draft.world.observed.networks,
        fresh_name=naming.network_name(
            deployment=draft.world.host.deployment,
            namespace=namespace,
            incarnation=draft.memory.last_seq,
        ),
    )


def _plan(
    draft: Draft, desired: DesiredState, apart: tuple[Note, ...], *, lingering: frozenset[str]
) -> Plan:
    observed = draft.world.observed
    planned = plan(
        desired,
        observed,
        # What never had an attempt has no services: those there are must be somebody's work.
        known={uid for uid, record in draft.records.items() if record.attempt},
        lingering=_lingering(draft) | lingering,
        kept_networks={
            network.name
            for network in observed.networks
            if network.labels.get(LABEL_NAMESPACE) in draft.wanted.namespaces
        },
        deployment=draft.world.host.deployment,
        groups=draft.grouped.by_name,
    )
    standing = (*prefetch.notes(observed), *gateway_services.notes(observed))
    planned = replace(planned, notes=(*planned.notes, *apart, *standing))
    if draft.world.may_delete:
        return planned
    return replace(planned, actions=tuple(a for a in planned.actions if not is_delete(a)))


def _prefetched(draft: Draft, taken: Snapshot) -> DesiredState:
    world = draft.world
    return prefetch.desired(
        draft.wanted.reservations,
        draft.wanted.platform,
        taken.nodes,
        world.observed,
        host=world.host,
        epoch=world.epoch,
        now=world.now,
    )


def _reachable(draft: Draft, gateways: gateway.Planned) -> DesiredState:
    world = draft.world
    return gateway_services.desired(
        gateways,
        world.observed,
        host=world.host,
        epoch=world.epoch,
        vault=world.vault,
        network=partial(_network, draft),
    )


def _wake_at(draft: Draft, decision: Decision, *others: datetime | None) -> datetime | None:
    """Return when a clock alone may change something: by schedule, window, use, policy."""
    now, wanted = draft.world.now, draft.wanted
    lead_ms = wanted.platform.policy.reservation_lead_ms
    times = [r.next_at for r in wanted.recurrences.values() if r.next_at is not None]
    times += reserving.alarms(wanted.reservations.values(), now=now, lead_ms=lead_ms)
    if draft.closed is not None and draft.closed.until is not None:
        times.append(draft.closed.until)
    times += [at for at in others if at is not None]
    times += draft.idle_alarms()
    times = [at for at in times if at > now]
    if decision.wake_ms is not None:
        # Also if it has come since the cluster was read: this decision doesn't know of it.
        times.append(from_epoch_ms(decision.wake_ms))
    return min(times, default=None)


def _lingering(draft: Draft) -> frozenset[str]:
    """Finished batch services stay for their logs until the result is published and old."""
    found: list[tuple[datetime, str]] = []
    for uid, groups in draft.groups.items():
        record = draft.records.get(uid)
        if record is None or record.ended is None or not draft.is_batch(uid, record):
            continue
        is_young = is_within(timedelta(seconds=LINGER_S), record.ended.at, draft.world.now)
        if not is_young and record.last_seq <= draft.memory.published_seq:
            continue
        if record.ended.reason in (EndReason.DELETED, EndReason.SUPERSEDED):
            continue
        found += [
            (record.ended.at, group.service.id)
            for group in groups
            if not any(is_live(task) for task in group.tasks)
        ]
    return frozenset(service for _, service in sorted(found)[-LINGER_MOST:])


def settings_of(platform: Platform) -> PolicySettings:
    """Return what policy needs of the platform."""
    return replace(
        platform.policy, headroom=platform.headroom, node_selector=platform.node_selector
    )


def is_delete(action: Action) -> bool:
    """Tell whether an action takes something away."""
    return isinstance(action, RemoveService | RemoveConfig | RemoveSecret | RemoveNetwork)
