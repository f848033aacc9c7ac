"""One pass, without its reading and writing: a world goes in, an assessment comes out.

The loop, ``zoe plan`` and the preview all call :func:`assess`, so what they show can't differ
from what is done. The order is that of a pass: who left, what happened, who may start, what
should exist, what to do about it, what to tell.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from policy.model.cluster import Snapshot
from policy.model.decision import Decision, Wait
from policy.model.execution import Allocation, ApplicationType, NodeId, Uid
from policy.scheduler import PolicySettings, decide
from reconciler.converge import guard, lifecycle, naming
from reconciler.converge.ledger import EndReason, Entry, Fact, Record, fold
from reconciler.converge.lifecycle import Situation, Step
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
from reconciler.converge.queue import (
    Blocked,
    Candidate,
    blocked,
    can_never_be_met,
    snapshot,
)
from reconciler.converge.render import (
    Admitted,
    DesiredState,
    Host,
    Inputs,
    Rendered,
    render,
    together,
)
from reconciler.converge.state import LABEL_NAMESPACE, ObservedState
from reconciler.converge.status import Facts, Status, invalid_status, status_of
from reconciler.converge.tasks import Group, groups_by_uid, is_live
from reconciler.manifest.spec import ExecutionSpec, Manifest, Namespace, Origin, Platform

LINGER_S = 60
LINGER_MOST = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Whose run a uid is, remembered when its manifest is gone."""

    namespace: str
    name: str
    run: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the accepted commit asks for."""

    commit: str = ""
    message: str = ""
    manifests: Mapping[Uid, Manifest] = field(default_factory=dict)
    invalid: tuple[tuple[Identity, Uid, str], ...] = ()
    namespaces: Mapping[str, Namespace] = field(default_factory=dict)
    platform: Platform = field(default_factory=Platform)
    tree_is_empty: bool = False
    unparsed_namespaces: frozenset[str] = frozenset()
    is_confirmed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What the database remembers, keyed for a pass."""

    records: Mapping[Uid, Record] = field(default_factory=dict)
    identities: Mapping[Uid, Identity] = field(default_factory=dict)
    frozen: Mapping[tuple[Uid, int], ExecutionSpec] = field(default_factory=dict)
    placements: Mapping[Uid, tuple[Allocation, ...]] = field(default_factory=dict)
    statuses: Mapping[Uid, Mapping[str, Any]] = field(default_factory=dict)
    last_seq: int = 0
    published_seq: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that a pass depends on.

    ``attempts_are_as_recorded`` is for previews, which know no tasks: an open attempt goes on as
    the ledger has it. ``last`` is what the pass before found, if that was committed: what would
    come out the same is taken from it. It changes how long a pass takes and nothing else.
    """

    wanted: Wanted
    memory: Memory
    observed: ObservedState
    host: Host
    now: datetime
    epoch: int = 0
    may_start: bool = True
    may_delete: bool = True
    attempts_are_as_recorded: bool = False
    failures: Mapping[Uid, tuple[str, ...]] = field(default_factory=dict)
    last: Assessment | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """What a pass found: facts to commit before any effect, effects, and what to tell.

    ``rendered`` and ``told`` are for the next pass.
    """

    steps: tuple[Step, ...]
    records: Mapping[Uid, Record]
    frozen: Mapping[tuple[Uid, int], ExecutionSpec]
    placements: Mapping[Uid, tuple[Allocation, ...]]
    snapshot: Snapshot
    decision: Decision
    desired: DesiredState
    plan: Plan
    statuses: tuple[Status, ...]
    harvest: tuple[tuple[Uid, Group], ...]
    held: Mapping[Uid, tuple[str, str]]
    rendered: Mapping[Uid, Rendered]
    told: Mapping[Uid, tuple[Facts, Status]]


def assess(world: World) -> Assessment:
    """Return what to do and to tell about the world. Pure."""
    return _Pass(world).run()


class _Pass:
    """The intermediate results of one pass, in the order in which they come to be."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.memory = world.memory
        self.wanted = world.wanted
        self.wanted_uids = {(m.namespace, m.name): m.uid for m in world.wanted.manifests.values()}
        self.groups = groups_by_uid(world.observed)
        self.records = dict(world.memory.records)
        self.placements: dict[Uid, tuple[Allocation, ...]] = dict(world.memory.placements)
        self.frozen: dict[tuple[Uid, int], ExecutionSpec] = {}
        self.steps: list[Step] = []
        self.held: dict[Uid, tuple[str, str]] = {}
        self.blocked: dict[Uid, Blocked] = {}
        self.rendered: dict[Uid, Rendered] = {}
        self.told: dict[Uid, tuple[Facts, Status]] = {}
        self.rendered_before = world.last.rendered if world.last else {}
        self.told_before = world.last.told if world.last else {}
        self.runs = self._known_runs()
        self.newest = {name: max(runs) for name, runs in self.runs.items()}

    def run(self) -> Assessment:
        departed = self._depart()
        harvest = self._advance(departed)
        queued, admitted = self._candidates()
        taken = snapshot(
            self.world.observed,
            queued,
            admitted,
            storages=self.world.host.storages,
            homes=self._homes(),
        )
        decision = decide(taken, settings_of(self.wanted.platform))
        self._admit(decision, {candidate.record.uid: candidate for candidate in queued})
        desired = self._desired()
        planned = self._plan(desired)
        return Assessment(
            steps=tuple(self.steps),
            records=self.records,
            frozen=self.frozen,
            placements={
                uid: groups
                for uid, groups in self.placements.items()
                if groups != self.memory.placements.get(uid, ())
            },
            snapshot=taken,
            decision=decision,
            desired=desired,
            plan=planned,
            statuses=self._statuses(decision, planned),
            harvest=harvest,
            held=self.held,
            rendered=self.rendered,
            told=self.told,
        )

    def _known_runs(self) -> Mapping[tuple[str, str], Mapping[int, Uid]]:
        """Return run -> uid of every name, wanted or remembered."""
        runs: dict[tuple[str, str], dict[int, Uid]] = defaultdict(dict)
        for uid in self.records:
            identity = self.memory.identities.get(uid)
            if identity is not None:
                runs[identity.namespace, identity.name][identity.run] = uid
        for manifest in self.wanted.manifests.values():
            runs[manifest.namespace, manifest.name][manifest.run] = manifest.uid
        return runs

    def _depart(self) -> Mapping[Uid, EndReason]:
        """Find live runs that no manifest asks for, and let the guard judge them together."""
        runs = {(m.namespace, m.name): m.run for m in self.wanted.manifests.values()}
        departed: dict[Uid, EndReason] = {}
        left: list[guard.Departure] = []
        live: Counter[str] = Counter()
        for uid, record in sorted(self.records.items()):
            if record.is_final:
                continue
            identity = self.memory.identities[uid]
            live[identity.namespace] += 1
            if uid in self.wanted.manifests:
                continue
            run = runs.get((identity.namespace, identity.name))
            if run is None:
                left.append(
                    guard.Departure(uid=uid, namespace=identity.namespace, name=identity.name)
                )
            elif run > record.run:
                departed[uid] = EndReason.SUPERSEDED
            else:
                told = f"run went back from {record.run} to {run}; it goes on until run rises"
                self.held[uid] = ("RunWentBack", told)
        verdict = guard.judge(
            left,
            live=live,
            tree_is_empty=self.wanted.tree_is_empty,
            unparsed_namespaces=self.wanted.unparsed_namespaces,
            is_confirmed=self.wanted.is_confirmed,
            commit=self.wanted.commit,
            message=self.wanted.message,
        )
        self.held |= verdict.held
        return departed | dict.fromkeys(verdict.allowed, EndReason.DELETED)

    def _advance(self, departed: Mapping[Uid, EndReason]) -> tuple[tuple[Uid, Group], ...]:
        """Let every execution move on; return the groups whose results must be stored first."""
        harvest: list[tuple[Uid, Group]] = []
        for uid in sorted({*self.records, *self.wanted.manifests}):
            manifest = self.wanted.manifests.get(uid)
            record = self.records.get(uid)
            if manifest is None and uid not in departed:
                if record is None or uid not in self.held:
                    continue
                manifest = self._absent(uid, record)  # it goes on: it may start or end meanwhile
            if manifest is not None and self._is_outrun(manifest):
                continue
            moved = lifecycle.advance(
                Situation(
                    record=record,
                    manifest=manifest,
                    spec=self._spec_of(uid, record),
                    placements=self.placements.get(uid, ()),
                    groups=self.groups.get(uid, ()),
                    now=self.world.now,
                    start_timeout_ms=self.wanted.platform.start_timeout_ms,
                    departure=departed.get(uid, EndReason.DELETED),
                    dependency_failed=self._failed_dependency(manifest),
                    attempts_are_as_recorded=self.world.attempts_are_as_recorded,
                )
            )
            self.steps.extend(moved.steps)
            if moved.record is None:
                continue
            self.records[uid] = moved.record
            if moved.refrozen is not None:
                self.frozen[uid, moved.record.generation] = moved.refrozen
            if record is not None and record.attempt_open and not moved.record.attempt_open:
                self.placements[uid] = ()
                harvest += [(uid, group) for group in self.groups.get(uid, ()) if group.tasks]
        return tuple(harvest)

    def _is_outrun(self, manifest: Manifest) -> bool:
        return manifest.run < self.newest[manifest.namespace, manifest.name]

    def _spec_of(self, uid: Uid, record: Record | None) -> ExecutionSpec | None:
        if record is None:
            return None
        key = (uid, record.generation)
        return self.frozen.get(key) or self.memory.frozen.get(key)

    def _failed_dependency(self, manifest: Manifest | None) -> str:
        if manifest is None or manifest.spec is None:
            return ""
        after, siblings = manifest.spec.after, self._predecessors(manifest, manifest.spec)
        return next((a.name for a in after if can_never_be_met(a, siblings.get(a.name))), "")

    def _predecessors(
        self, manifest: Manifest, spec: ExecutionSpec
    ) -> Mapping[str, tuple[Record, bool]]:
        """Return name -> (record, has started) of what an execution waits for, as it is now."""
        found: dict[str, tuple[Record, bool]] = {}
        for after in spec.after:
            uid = self.wanted_uids.get((manifest.namespace, after.name))
            if uid is not None and (record := self.records.get(uid)) is not None:
                found[after.name] = (record, record.first_started_at is not None)
        return found

    def _candidates(self) -> tuple[list[Candidate], list[Candidate]]:
        """Split those that are wanted into queued and admitted; note why others are blocked."""
        queued: list[Candidate] = []
        admitted: list[Candidate] = []
        for uid, record in sorted(self.records.items()):
            manifest = self.wanted.manifests.get(uid)
            spec = self._spec_of(uid, record) or (manifest.spec if manifest else None)
            if record.is_final or spec is None:
                continue
            if record.attempt_open:
                known = manifest or self._absent(uid, record)
                admitted.append(
                    Candidate(
                        manifest=known,
                        record=record,
                        spec=spec,
                        groups=self.placements.get(uid, ()),
                    )
                )
                continue
            if manifest is None:
                continue
            candidate = Candidate(manifest=manifest, record=record, spec=spec, groups=())
            why = self._why_blocked(candidate)
            if why is None:
                queued.append(candidate)
            else:
                self.blocked[uid] = why
        return queued, admitted

    def _absent(self, uid: Uid, record: Record) -> Manifest:
        """Return a stand-in for the manifest of a run that is only kept by a hold."""
        identity = self.memory.identities[uid]
        return Manifest(
            uid=uid,
            namespace=identity.namespace,
            name=identity.name,
            run=identity.run,
            origin=Origin(source_id="", path="", line=0, blob="", commit=""),
            document_hash=record.document_hash,
            spec=None,
        )

    def _why_blocked(self, candidate: Candidate) -> Blocked | None:
        manifest = candidate.manifest
        if self._is_outrun(manifest):
            message = "a higher run was seen before; raise run above it"
            return Blocked(reason="RunWentBack", message=message)
        if self.wanted.platform.suspend:
            return Blocked(reason="PlatformSuspended", message="platform.yaml suspends all starts")
        return blocked(
            candidate,
            now=self.world.now,
            siblings=self._predecessors(manifest, candidate.spec),
            has_leftovers=self._has_leftovers(candidate),
            jitter=_fraction(candidate.record.uid),
        )

    def _has_leftovers(self, candidate: Candidate) -> bool:
        """Tell whether tasks of an earlier run or attempt still hold its name or its files."""
        manifest = candidate.manifest
        return any(
            is_live(task)
            for uid in self.runs[manifest.namespace, manifest.name].values()
            for group in self.groups.get(uid, ())
            for task in group.tasks
        )

    def _homes(self) -> Mapping[str, NodeId]:
        """Return each namespace's node of first use, where its local storage is."""
        homes: dict[str, tuple[int, NodeId]] = {}
        for uid, record in self.records.items():
            identity = self.memory.identities.get(uid)
            if record.home and identity is not None:
                best = homes.get(identity.namespace, (-1, NodeId("")))
                homes[identity.namespace] = max(best, (record.last_seq, NodeId(record.home)))
        return {namespace: node for namespace, (_, node) in homes.items()}

    def _admit(self, decision: Decision, queued: Mapping[Uid, Candidate]) -> None:
        """Turn starts into facts and groups: the intent, before any effect."""
        if not self.world.may_start:
            return
        for start in decision.starts:
            candidate = queued[start.uid]
            self._intend(candidate, start.allocations)
        for resize in decision.resizes:
            self.placements[resize.uid] = resize.allocations

    def _intend(self, candidate: Candidate, groups: tuple[Allocation, ...]) -> None:
        record = candidate.record
        intended = Entry(
            uid=record.uid,
            run=record.run,
            fact=Fact.ATTEMPT_INTENDED,
            at=self.world.now,
            generation=record.generation,
            attempt=record.attempt + 1,
            node=self._home_of(candidate.spec, groups),
        )
        steps = [Step(entry=intended, message=_told_start(groups))]
        if record.incarnation != record.generation:
            admitted = replace(
                intended,
                fact=Fact.ADMITTED,
                node="",
                spec_hash=candidate.manifest.spec_hash,
            )
            steps.insert(0, Step(entry=admitted, message="admitted"))
            self.frozen[record.uid, record.generation] = candidate.spec
        self.steps += steps
        moved = fold((step.entry for step in steps), record)
        if moved is not None:
            self.records[record.uid] = moved
        self.placements[record.uid] = groups

    def _home_of(self, spec: ExecutionSpec, groups: Sequence[Allocation]) -> str:
        storages = self.world.host.storages
        mounting = {
            service.name
            for service in spec.services
            for volume in service.volumes
            if not storages[volume.source or volume.type].is_shared
        }
        return next((group.node for group in groups if group.component in mounting), "")

    def _desired(self) -> DesiredState:
        networks: dict[str, str] = {}
        for uid, record in sorted(self.records.items()):
            spec = self._spec_of(uid, record)
            if not record.attempt_open or spec is None:
                continue
            execution = self._admitted(uid, record, spec)
            namespace = execution.namespace.name
            if namespace not in networks:
                networks[namespace] = self._network(namespace)
            self._render(execution, networks[namespace])
        return together(rendered.state for rendered in self.rendered.values())

    def _admitted(self, uid: Uid, record: Record, spec: ExecutionSpec) -> Admitted:
        identity = self._identity(uid)
        owner = self.wanted.namespaces.get(identity.namespace)
        return Admitted(
            uid=uid,
            namespace=owner or Namespace(name=identity.namespace),
            name=identity.name,
            run=record.run,
            generation=record.generation,
            incarnation=record.incarnation,
            attempt=record.attempt,
            spec=spec,
            groups=self.placements.get(uid, ()),
        )

    def _render(self, execution: Admitted, network: str) -> None:
        world = self.world
        inputs = Inputs(execution=execution, host=world.host, network=network, epoch=world.epoch)
        before = self.rendered_before.get(execution.uid)
        is_same = before is not None and before.inputs == inputs
        self.rendered[execution.uid] = before if before and is_same else render(inputs)

    def _network(self, namespace: str) -> str:
        return network_for(
            namespace,
            self.world.observed.networks,
            fresh_name=naming.network_name(
                deployment=self.world.host.deployment,
                namespace=namespace,
                incarnation=self.memory.last_seq,
            ),
        )

    def _identity(self, uid: Uid) -> Identity:
        manifest = self.wanted.manifests.get(uid)
        if manifest is None:
            return self.memory.identities[uid]
        return Identity(namespace=manifest.namespace, name=manifest.name, run=manifest.run)

    def _plan(self, desired: DesiredState) -> Plan:
        observed = self.world.observed
        planned = plan(
            desired,
            observed,
            known=self.records.keys(),
            lingering=self._lingering(),
            kept_networks={
                network.name
                for network in observed.networks
                if network.labels.get(LABEL_NAMESPACE) in self.wanted.namespaces
            },
        )
        if self.world.may_delete:
            return planned
        return replace(planned, actions=tuple(a for a in planned.actions if not is_delete(a)))

    def _lingering(self) -> frozenset[str]:
        """Finished batch services stay for their logs until the result is published and old."""
        found: list[tuple[datetime, str]] = []
        for uid, groups in self.groups.items():
            record = self.records.get(uid)
            if record is None or record.ended is None or not self._is_batch(uid, record):
                continue
            is_young = self.world.now - record.ended.at < timedelta(seconds=LINGER_S)
            if not is_young and record.last_seq <= self.memory.published_seq:
                continue
            if record.ended.reason in (EndReason.DELETED, EndReason.SUPERSEDED):
                continue
            found += [
                (record.ended.at, group.service.id)
                for group in groups
                if not any(is_live(task) for task in group.tasks)
            ]
        return frozenset(service for _, service in sorted(found)[-LINGER_MOST:])

    def _is_batch(self, uid: Uid, record: Record) -> bool:
        spec = self._spec_of(uid, record)
        return spec is not None and spec.type is ApplicationType.BATCH

    def _statuses(self, decision: Decision, planned: Plan) -> tuple[Status, ...]:
        waits = {wait.uid: wait for wait in decision.waits}
        if not self.world.may_start:
            message = "would start now, but mode is observe"
            would = Blocked(reason="ObserveOnly", message=message)
            self.blocked |= {start.uid: would for start in decision.starts}
        notes: dict[str, list[Note]] = {}
        for note in planned.notes:
            notes.setdefault(note.uid, []).append(note)
        statuses = [
            self._status(uid, record, waits.get(uid), notes.get(uid, []))
            for uid, record in sorted(self.records.items())
            if not self._is_settled(uid, record)
        ]
        statuses += [
            invalid_status(
                namespace=identity.namespace,
                name=identity.name,
                uid=uid,
                message=message,
                origin=None,
            )
            for identity, uid, message in self.wanted.invalid
            if uid not in self.records
        ]
        return tuple(statuses)

    def _is_settled(self, uid: Uid, record: Record) -> bool:
        """Tell whether a run that nobody wants any more has been told about for the last time."""
        told = self.memory.statuses.get(uid)
        return (
            record.is_final
            and record is self.memory.records.get(uid)
            and uid not in self.wanted.manifests
            and not self.groups.get(uid)
            and told is not None
            and told["status"]["phase"] != "Terminating"
        )

    def _status(self, uid: Uid, record: Record, wait: Wait | None, notes: Iterable[Note]) -> Status:
        identity = self._identity(uid)
        groups = self.groups.get(uid, ())
        if record.is_final:  # what lingers for its logs isn't being stopped
            groups = tuple(g for g in groups if any(is_live(task) for task in g.tasks))
        facts = Facts(
            namespace=identity.namespace,
            name=identity.name,
            record=record,
            manifest=self.wanted.manifests.get(uid),
            spec=self._spec_of(uid, record) or self._wanted_spec(uid),
            groups=groups,
            placements=self.placements.get(uid, ()),
            wait=wait,
            blocked=self.blocked.get(uid),
            held=self.held.get(uid),
            notes=tuple((note.reason, note.message) for note in notes),
            failures=self.world.failures.get(uid, ()),
        )
        before = self.told_before.get(uid)
        if before is not None and before[0] == facts:
            status = before[1]
        else:
            previous = self.memory.statuses.get(uid)
            status = status_of(facts, previous=previous, now=self.world.now)
        self.told[uid] = (facts, status)
        return status

    def _wanted_spec(self, uid: Uid) -> ExecutionSpec | None:
        manifest = self.wanted.manifests.get(uid)
        return manifest.spec if manifest else None


def settings_of(platform: Platform) -> PolicySettings:
    """Return what policy needs of the platform."""
    return PolicySettings(
        policy=platform.policy, headroom=platform.headroom, node_selector=platform.node_selector
    )


def is_delete(action: Action) -> bool:
    """Tell whether an action takes something away."""
    return isinstance(action, RemoveService | RemoveConfig | RemoveNetwork)


def _fraction(uid: Uid) -> float:
    """Return 0 to 1, fixed per uid: jitter that a replay reproduces."""
    return int.from_bytes(hashlib.sha256(uid.encode()).digest()[:4], "big") / 2**32


def _told_start(groups: Sequence[Allocation]) -> str:
    replicas = sum(group.count for group in groups)
    nodes = len({group.node for group in groups})
    return f"starts {replicas} replica(s) on {nodes} node(s)"
