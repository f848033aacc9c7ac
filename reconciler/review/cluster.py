"""The cluster that a preview assumes: as a snapshot tells it, or one of which nothing is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from policy.model.cluster import Node
from policy.model.execution import Estimate, Uid
from reconciler.converge.snapshots import Taken
from reconciler.converge.state import (
    ObservedNode,
    ObservedPort,
    ObservedState,
    ObservedTask,
    TaskState,
)

NO_SNAPSHOT = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """The cluster as a snapshot tells it, with the time and id of the snapshot.

    ``estimates`` are those of its executions that rest on history.
    """

    id: str
    observed: ObservedState
    estimates: Mapping[Uid, Estimate] = field(default_factory=dict)


def cluster_of(taken: Taken) -> Cluster:
    """Return the cluster of a snapshot."""
    taken_at, nodes = taken.taken_at, taken.snapshot.nodes
    observed = ObservedState(
        taken_at=taken_at,
        nodes=tuple(_observed_node(node, taken_at) for node in nodes),
        services=(),
        tasks=tuple(_others(node, taken_at) for node in nodes),
        networks=(),
        configs=(),
        secrets=(),
    )
    estimates = {
        execution.uid: execution.estimate
        for execution in taken.snapshot.executions
        if execution.estimate is not None and execution.estimate.samples
    }
    return Cluster(id=taken.id, observed=observed, estimates=estimates)


def no_cluster(now: datetime) -> Cluster:
    """Return a cluster of which nothing is known."""
    observed = ObservedState(
        taken_at=now,
        nodes=(),
        services=(),
        tasks=(),
        networks=(),
        configs=(),
        secrets=(),
    )
    return Cluster(id=NO_SNAPSHOT, observed=observed)


def _observed_node(node: Node, at: datetime) -> ObservedNode:
    return ObservedNode(
        id=node.id,
        hostname=node.hostname,
        address="",
        capacity=node.capacity,
        labels=node.labels,
        engine_labels=node.engine_labels,
        os=node.os,
        architecture=node.architecture,
        is_manager=node.is_manager,
        is_ready=node.is_ready,
        is_active=node.is_active,
        updated_at=at,
    )


def _others(node: Node, at: datetime) -> ObservedTask:
    """Return one task that stands for all that nobody of the snapshot accounts for."""
    return ObservedTask(
        id=f"others-{node.id}",
        service_id="others",
        node=node.id,
        slot=1,
        state=TaskState.RUNNING,
        desired_state=TaskState.RUNNING,
        created_at=at,
        updated_at=at,
        reservations=node.reserved,
        host_ports=tuple(
            ObservedPort(target=port, published=port, protocol=protocol)
            for port, protocol in sorted(node.taken_ports)
        ),
    )
