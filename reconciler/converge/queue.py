"""From records, manifests and the observed cluster to the snapshot that policy decides on.

Also: who isn't in the queue yet, and why (suspended, held, waiting for another execution,
backing off).
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from policy.model.cluster import Node, Snapshot
from policy.model.execution import Allocation, Component, Estimate, Execution, NodeId, Uid
from policy.model.reservation import Reservation
from policy.model.resources import NOTHING, Resources
from policy.model.tenant import Tenant
from reconciler.converge.host import Storage
from reconciler.converge.instants import epoch_ms
from reconciler.converge.ledger import EndReason, Record, phase_of_ending
from reconciler.converge.state import LABEL_UID, ObservedNode, ObservedState, ObservedTask
from reconciler.converge.tasks import is_leaving, is_live
from reconciler.manifest.spec import After, ExecutionSpec, Manifest, Service

# After the n-th failure in a row: 10 s, 20 s, 40 s … at most 5 minutes, less the jitter.
BACKOFF_FIRST_S = 10
BACKOFF_MOST_S = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An execution that is wanted and not final: what policy may be asked about.

    ``work``, ``grown_ms``, ``shrunk_ms``, ``estimate`` and ``is_growable`` are as policy has them.
    """

    manifest: Manifest
    record: Record
    spec: ExecutionSpec
    groups: tuple[Allocation, ...]
    work: int = 0
    grown_ms: int | None = None
    shrunk_ms: int | None = None
    estimate: Estimate | None = None
    is_growable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """Why a wanted execution isn't in the queue. ``until`` is None where no clock releases it."""

    reason: str
    message: str
    until: datetime | None = None


def blocked(
    candidate: Candidate,
    *,
    now: datetime,
    siblings: Mapping[str, tuple[Record, bool]],
    has_leftovers: bool,
    jitter: float,
) -> Blocked | None:
    """Return why a waiting candidate can't be queued now.

    Args:
        candidate: With no attempt open.
        now: The time.
        siblings: Name -> (record, has started) of the executions of its namespace.
        has_leftovers: Whether services of an earlier run or attempt are still there.
        jitter: 0 to 1, fixed per execution, so that those that failed together come back apart.
    """
    if candidate.manifest.suspend:
        return Blocked(reason="Suspended", message="suspend is true in its manifest")
    if candidate.record.held:
        return Blocked(reason="Held", message=candidate.record.held)
    not_before = candidate.spec.not_before
    if not_before is not None and not_before > now:
        message = f"starts at {not_before.isoformat(timespec='minutes')} at the earliest"
        return Blocked(reason="NotBefore", message=message, until=not_before)
    for after in candidate.spec.after:
        if not is_met(after, siblings.get(after.name)):
            message = f"waits until {after.name} has {after.when}"
            return Blocked(reason="DependencyNotReady", message=message)
    if has_leftovers:
        message = "waits until what ran before is gone"
        return Blocked(reason="PreviousRunEnding", message=message)
    until = backoff_until(candidate.record, jitter=jitter)
    if until is not None and until > now:
        message = f"tries again after {_last_end(candidate.record)}"
        return Blocked(reason="BackOff", message=message, until=until)
    return None


def backoff_until(record: Record, *, jitter: float) -> datetime | None:
    """Return when the next attempt may start; None if it may at once. A new generation may."""
    end = record.last_end
    if end is None or end.reason in _BLAMELESS:
        return None
    tries = max(1, record.failures + record.failed_starts + record.nodes_lost)
    return end.at + timedelta(seconds=backoff_s(tries, jitter=jitter))


_BLAMELESS = frozenset(
    {
        EndReason.SUSPENDED,
        EndReason.REPLACED,
        EndReason.PREEMPTED,
        EndReason.NODE_LOST,
        EndReason.REMOVED,
    }
)


def backoff_s(tries: int, *, jitter: float) -> float:
    """Return how long to wait after the n-th failure in a row: doubling, less up to half."""
    delay_s: float = min(BACKOFF_MOST_S, BACKOFF_FIRST_S * 2 ** min(tries - 1, 10))
    return delay_s * (1 - jitter / 2)


def fraction(uid: Uid) -> float:
    """Return 0 to 1, fixed per uid: jitter that a replay reproduces."""
    return int.from_bytes(hashlib.sha256(uid.encode()).digest()[:4], "big") / 2**32


def is_met(after: After, sibling: tuple[Record, bool] | None) -> bool:
    """Tell whether a predecessor is as far as ``after`` asks."""
    if sibling is None:
        return False
    record, has_started = sibling
    match after.when:
        case "started":
            return has_started
        case "finished":
            return record.ended is not None
        case _:
            return record.ended is not None and phase_of_ending(record.ended.reason) == "Succeeded"


def can_never_be_met(after: After, sibling: tuple[Record, bool] | None) -> bool:
    """Tell whether a predecessor ended in a way that ``after`` can't accept."""
    if sibling is None or sibling[0].ended is None or is_met(after, sibling):
        return False
    return after.when == "succeeded"


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
    """
    open_uids = {candidate.record.uid for candidate in admitted}
    executions = [
        _execution(candidate, storages=storages, homes=homes) for candidate in (*queued, *admitted)
    ]
    return Snapshot(
        now_ms=epoch_ms(observed.taken_at),
        nodes=_nodes(observed, open_uids | set(known)),
        executions=tuple(sorted(executions, key=lambda e: e.uid)),
        tenants=tenants,
        reservations=reservations,
    )


def waits_since(record: Record, spec: ExecutionSpec) -> datetime:
    """Return since when it has waited for its turn: not before the time that it asked for."""
    return max(record.queued_at, spec.not_before or record.queued_at)


def _execution(
    candidate: Candidate, *, storages: Mapping[str, Storage], homes: Mapping[str, NodeId]
) -> Execution:
    record, spec, manifest = candidate.record, candidate.spec, candidate.manifest
    started = record.started_at
    ends_ms = None
    if started is not None and spec.lifetime_ms is not None:
        ends_ms = epoch_ms(started) + spec.lifetime_ms - record.ran_ms
    return Execution(
        uid=record.uid,
        namespace=manifest.namespace,
        name=manifest.name,
        type=spec.type,
        components=tuple(
            _component(service, storages, homes.get(manifest.namespace))
            for service in spec.services
        ),
        queued_ms=epoch_ms(waits_since(record, spec)),
        priority=spec.priority_value,
        is_preemptible=spec.is_preemptible,
        is_filler=spec.is_filler,
        reservation=spec.reservation,
        started_ms=epoch_ms(started) if started else None,
        ends_ms=ends_ms,
        lifetime_ms=None if spec.lifetime_ms is None else max(0, spec.lifetime_ms - record.ran_ms),
        grown_ms=candidate.grown_ms,
        shrunk_ms=candidate.shrunk_ms,
        estimate=candidate.estimate,
        work=candidate.work,
        allocations=candidate.groups,
        is_growable=candidate.is_growable,
    )


def _component(service: Service, storages: Mapping[str, Storage], home: NodeId | None) -> Component:
    mounts = [storages[volume.storage] for volume in service.volumes]
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
        is_revocable=service.revocable,
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


def _last_end(record: Record) -> str:
    return str(record.last_end.reason) if record.last_end else "a failure"
