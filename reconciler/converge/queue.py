"""From records, manifests and the observed cluster to the snapshot that policy decides on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from policy.model.cluster import Node, Snapshot
from policy.model.execution import Allocation, Component, Estimate, Execution, NodeId, Uid
from policy.model.reservation import Reservation
from policy.model.resources import NOTHING, Resources
from policy.model.tenant import Tenant
from reconciler.converge.accounting import UNBEGUN, Progress
from reconciler.converge.host import Storage
from reconciler.converge.instants import epoch_ms
from reconciler.converge.ledger import Record
from reconciler.converge.state import LABEL_UID, ObservedNode, ObservedState, ObservedTask
from reconciler.converge.tasks import is_leaving, is_live
from reconciler.manifest.spec import ExecutionSpec, Manifest, Service


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An execution that is wanted and not final: what policy may be asked about.

    ``estimate`` and ``is_growable`` are as policy has them. What doesn't give way keeps what it was
    given, whatever class it is of.
    """

    manifest: Manifest
    record: Record
    spec: ExecutionSpec
    groups: tuple[Allocation, ...]
    progress: Progress = UNBEGUN
    estimate: Estimate | None = None
    is_growable: bool = True
    gives_way: bool = True

    def is_like(self, other: Candidate) -> bool:
        """Tell whether it is the same as in another pass. Values that are kept are not compared."""
        return (
            self.manifest is other.manifest
            and self.record is other.record
            and self.spec is other.spec
            and self.groups is other.groups
            and self.progress == other.progress
            and self.estimate == other.estimate
            and self.is_growable is other.is_growable
            and self.gives_way is other.gives_way
        )


@dataclass(frozen=True, slots=True)
class Taken:
    """An earlier snapshot, with what it was taken from: candidates by uid, and homes."""

    snapshot: Snapshot
    candidates: Mapping[Uid, Candidate]
    homes: Mapping[str, NodeId]


def snapshot(
    observed: ObservedState,
    queued: Iterable[Candidate],
    admitted: Sequence[Candidate],
    *,
    storages: Mapping[str, Storage],
    homes: Mapping[str, NodeId],
    known: Collection[Uid] = (),
    tenants: tuple[Tenant, ...] = (),
    reservations: tuple[Reservation, ...] = (),
    last: Taken | None = None,
) -> Snapshot:
    """Return what policy decides on.

    What is on its way out isn't counted as reserved: who starts in its room waits until it is
    gone (``making_room``). Counted, it would take the same room again from others meanwhile.

    Args:
        observed: The cluster.
        queued: Candidates without an open attempt that nothing blocks.
        admitted: Candidates with an open attempt.
        storages: Which storages exist, and whether they are the same on every node.
        homes: Namespace -> the node that holds its local storage.
        known: Every uid that the ledger knows; services of others are never removed.
        tenants: The namespaces with their quotas and use.
        reservations: Windows that are open or come soon.
        last: An earlier one: what is the same is taken from there, with all that policy has
            worked out about it.
    """
    open_uids = {candidate.record.uid for candidate in admitted}
    before = {e.uid: e for e in last.snapshot.executions} if last else {}
    earlier = last.candidates if last is not None and last.homes == homes else {}

    def execution(candidate: Candidate) -> Execution:
        old, was = before.get(candidate.record.uid), earlier.get(candidate.record.uid)
        if old is not None and was is not None and (candidate is was or candidate.is_like(was)):
            return old
        new = _execution(candidate, storages=storages, homes=homes)
        return old if old is not None and old == new else new

    return Snapshot(
        now_ms=epoch_ms(observed.taken_at),
        nodes=_nodes(observed, open_uids | set(known)),
        executions=tuple(
            sorted(map(execution, (*queued, *admitted)), key=lambda e: e.uid),
        ),
        tenants=tenants,
        reservations=reservations,
    )


def waits_since(record: Record, spec: ExecutionSpec) -> datetime:
    """Return since when it has waited for its turn: not before the time that it asked for."""
    return max(record.queued_at, spec.not_before or record.queued_at)


def ends_at(record: Record, spec: ExecutionSpec) -> datetime | None:
    """Return when its lifetime stops what is up now; None where nothing is, or nothing does."""
    if record.started_at is None or spec.lifetime_ms is None:
        return None
    return record.started_at + timedelta(milliseconds=spec.lifetime_ms - record.ran_ms)


def _execution(
    candidate: Candidate, *, storages: Mapping[str, Storage], homes: Mapping[str, NodeId]
) -> Execution:
    record, spec, manifest = candidate.record, candidate.spec, candidate.manifest
    progress = candidate.progress
    started, ends = record.started_at, ends_at(record, spec)
    return Execution(
        uid=record.uid,
        namespace=manifest.namespace,
        name=manifest.name,
        type=spec.type,
        components=tuple(
            _component(candidate, service, storages, homes.get(manifest.namespace))
            for service in spec.services
        ),
        queued_ms=epoch_ms(waits_since(record, spec)),
        priority=spec.priority_value,
        is_preemptible=spec.is_preemptible and candidate.gives_way,
        is_filler=spec.is_filler and candidate.gives_way,
        reservation=spec.reservation,
        started_ms=epoch_ms(started) if started else None,
        ends_ms=epoch_ms(ends) if ends else None,
        lifetime_ms=None if spec.lifetime_ms is None else max(0, spec.lifetime_ms - record.ran_ms),
        grown_ms=progress.grown_ms,
        shrunk_ms=progress.shrunk_ms,
        estimate=candidate.estimate,
        work=progress.work,
        as_of_ms=progress.as_of_ms,
        rate=progress.rate,
        allocations=candidate.groups,
        is_growable=candidate.is_growable,
    )


def _component(
    candidate: Candidate,
    service: Service,
    storages: Mapping[str, Storage],
    home: NodeId | None,
) -> Component:
    # What isn't offered any more is mounted by what runs only: that stays where it is.
    mounts = [storages[v.storage] for v in service.volumes if v.storage in storages]
    is_local = any(not storage.is_shared for storage in mounts)
    return Component(
        name=service.name,
        core=service.core,
        maximum=service.maximum,
        demand=service.reservations,
        constraints=service.constraints,
        host_ports=tuple(
            (port.published, port.protocol)
            for port in service.ports
            if port.published and port.mode == "host"
        ),
        max_per_node=service.max_per_node,
        spread=service.spread,
        only_nodes=frozenset({home}) if is_local and home else None,
        is_colocated=is_local,
        is_revocable=service.revocable and candidate.gives_way,
        speedup=service.speedup,
    )


def _nodes(observed: ObservedState, ours_uids: set[Uid]) -> tuple[Node, ...]:
    ours = {
        service.id
        for service in observed.services
        if service.spec.labels.get(LABEL_UID) in ours_uids
    }
    held: dict[NodeId, list[ObservedTask]] = defaultdict(list)
    for task in observed.tasks:
        if task.node is None or not is_live(task) or is_leaving(task):
            continue
        if task.service_id not in ours:
            held[task.node].append(task)
    return tuple(_node(node, held[node.id]) for node in observed.nodes)


def _node(node: ObservedNode, others: Sequence[ObservedTask]) -> Node:
    reserved: Resources = NOTHING
    for task in others:
        reserved += task.reservations
    return Node(
        id=node.id,
        hostname=node.hostname,
        capacity=node.capacity,
        reserved=reserved,
        taken_ports=frozenset(
            (port.published, port.protocol) for task in others for port in task.host_ports
        ),
        labels=node.labels,
        engine_labels=node.engine_labels,
        os=node.os,
        architecture=node.architecture,
        is_manager=node.is_manager,
        is_ready=node.is_ready,
        is_active=node.is_active,
    )
