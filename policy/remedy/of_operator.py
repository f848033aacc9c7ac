"""What the operator of the cluster could change for a waiting execution."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from policy.model.cluster import Node, Snapshot
from policy.model.execution import Component, NodeId, Uid
from policy.model.resources import format_amount, format_resources
from policy.model.tenant import Amounts, Tenant
from policy.remedy.change import ComponentChange, with_node
from policy.words import listed


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenNode:
    """A node that takes work again: it is drained, or down."""

    kind: ClassVar[str] = "open-node"
    node: NodeId
    hostname: str
    is_down: bool = False

    @property
    def told(self) -> str:
        """In words."""
        return f"bring {self.hostname} back" if self.is_down else f"uncordon {self.hostname}"

    def applied(self, snapshot: Snapshot, uid: Uid) -> Snapshot:
        """Return the snapshot with it."""
        return with_node(snapshot, self.node, lambda n: replace(n, is_ready=True, is_active=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelNode:
    """Labels on a node; "" takes one off."""

    kind: ClassVar[str] = "label-node"
    node: NodeId
    hostname: str
    labels: tuple[tuple[str, str], ...]

    @property
    def told(self) -> str:
        """In words."""
        set_ = [f"{name}={value}" for name, value in self.labels if value]
        removed = [name for name, value in self.labels if not value]
        parts = [f"label {self.hostname} {' '.join(set_)}"] if set_ else []
        if removed:
            parts.append(f"take the label {listed(removed)} off {self.hostname}")
        return " and ".join(parts)

    def applied(self, snapshot: Snapshot, uid: Uid) -> Snapshot:
        """Return the snapshot with it."""

        def labelled(node: Node) -> Node:
            labels = {**node.labels, **dict(self.labels)}
            return replace(node, labels={name: value for name, value in labels.items() if value})

        return with_node(snapshot, self.node, labelled)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddNodes:
    """More nodes, all as ``node``; ``like`` is the one they are like, if they are."""

    kind: ClassVar[str] = "add-nodes"
    node: Node
    count: int
    like: str = ""

    @property
    def told(self) -> str:
        """In words."""
        nodes = "one more node" if self.count == 1 else f"{self.count} more nodes"
        has = format_resources(self.node.capacity)
        if self.like:
            return f"{nodes} like {self.like} ({has})"
        role = "manager " if self.node.is_manager else ""
        labels = [f"{name}={value}" for name, value in sorted(self.node.labels.items())]
        labelled = f", labelled {' '.join(labels)}" if labels else ""
        return f"{nodes.replace('node', role + 'node')} with {has}{labelled}"

    def applied(self, snapshot: Snapshot, uid: Uid) -> Snapshot:
        """Return the snapshot with it."""
        there = {node.id for node in snapshot.nodes}
        free = (NodeId(f"new{number}") for number in range(1, self.count + len(there) + 1))
        names = [name for name in free if name not in there][: self.count]
        new = tuple(
            replace(self.node, id=name, hostname=self.node.hostname or name) for name in names
        )
        return replace(snapshot, nodes=(*snapshot.nodes, *new))


@dataclass(frozen=True, slots=True, kw_only=True)
class RaiseQuota:
    """A higher quota: ``bound`` is maximum, guaranteed or executions."""

    kind: ClassVar[str] = "quota"
    namespace: str
    bound: str
    amount: int
    dimension: str = ""

    @property
    def told(self) -> str:
        """In words."""
        if self.bound == "executions":
            return f"let namespace {self.namespace} run {self.amount} executions"
        verb = "raise the quota's maximum" if self.bound == "maximum" else "guarantee"
        amount = format_amount(self.dimension, self.amount)
        if self.bound == "maximum":
            return f"{verb} of namespace {self.namespace} to {amount}"
        return f"{verb} namespace {self.namespace} {amount}"

    def applied(self, snapshot: Snapshot, uid: Uid) -> Snapshot:
        """Return the snapshot with it."""
        tenants = tuple(
            self._raised(t) if t.name == self.namespace else t for t in snapshot.tenants
        )
        return replace(snapshot, tenants=tenants)

    def _raised(self, tenant: Tenant) -> Tenant:
        match self.bound:
            case "executions":
                return replace(tenant, maximum_executions=self.amount)
            case "maximum":
                return replace(tenant, maximum=self._with_bound(tenant.maximum))
            case _:
                return replace(tenant, guaranteed=self._with_bound(tenant.guaranteed))

    def _with_bound(self, amounts: Amounts) -> Amounts:
        return tuple(sorted({**dict(amounts), self.dimension: self.amount}.items()))


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelReservation:
    """The calendar without a reservation."""

    kind: ClassVar[str] = "cancel-reservation"
    reservation: str

    @property
    def told(self) -> str:
        """In words."""
        return f"give up reservation {self.reservation}"

    def applied(self, snapshot: Snapshot, uid: Uid) -> Snapshot:
        """Return the snapshot with it."""
        left = tuple(r for r in snapshot.reservations if r.name != self.reservation)
        return replace(snapshot, reservations=left)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareStorage(ComponentChange):
    """Storage that is the same on every node, so that a component may stand on any."""

    kind: ClassVar[str] = "share-storage"

    @property
    def told(self) -> str:
        """In words."""
        return f"storage for {self.component} that all nodes share"

    def _changed_component(self, component: Component) -> Component:
        return replace(component, only_nodes=None, is_colocated=False)
