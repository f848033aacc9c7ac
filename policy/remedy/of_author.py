"""What the author of a waiting execution could change in its manifest."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from policy.model.cluster import Snapshot
from policy.model.execution import Component, Constraint, Uid
from policy.model.resources import Resources, format_amount
from policy.remedy.change import with_component, with_execution
from policy.words import format_duration


@dataclass(frozen=True, slots=True, kw_only=True)
class AskForReplicas:
    """Fewer replicas of a component; ``is_total`` where elastic ones count as core."""

    kind: ClassVar[str] = "fewer-replicas"
    component: str
    replicas: int
    is_total: bool = False

    @property
    def told(self) -> str:
        """In words."""
        what = "replica" if self.replicas == 1 else "replicas"
        if self.is_total:
            return f"ask for at most {self.replicas} {what} of {self.component}"
        return f"ask for a core of at most {self.replicas} {what} of {self.component}"

    def applied(self, snapshot: Snapshot, uid: Uid) -> Snapshot:
        """Return the snapshot with it."""

        def fewer(component: Component) -> Component:
            most = self.replicas if self.is_total else component.maximum
            return replace(component, core=min(self.replicas, component.core), maximum=most)

        return with_component(snapshot, uid, self.component, fewer)


@dataclass(frozen=True, slots=True, kw_only=True)
class AskForLess:
    """Smaller replicas of a component."""

    kind: ClassVar[str] = "smaller-replicas"
    component: str
    dimension: str
    amount: int

    @property
    def told(self) -> str:
        """In words."""
        amount = format_amount(self.dimension, self.amount)
        return f"ask for at most {amount} per replica of {self.component}"

    def applied(self, snapshot: Snapshot, uid: Uid) -> Snapshot:
        """Return the snapshot with it."""

        def smaller(component: Component) -> Component:
            demand = with_amount(component.demand, self.dimension, self.amount)
            return replace(component, demand=demand)

        return with_component(snapshot, uid, self.component, smaller)


@dataclass(frozen=True, slots=True, kw_only=True)
class RaisePriority:
    """A higher priority class; ``name`` is "" where the classes aren't known."""

    kind: ClassVar[str] = "priority"
    priority: int
    name: str = ""

    @property
    def told(self) -> str:
        """In words."""
        return f"priority {self.name or self.priority}"

    def applied(self, snapshot: Snapshot, uid: Uid) -> Snapshot:
        """Return the snapshot with it."""
        return with_execution(
            snapshot, uid, lambda e: replace(e, priority=self.priority, is_filler=False)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortenLifetime:
    """A lifetime short enough to be gone before what the room is kept for."""

    kind: ClassVar[str] = "lifetime"
    lifetime_ms: int

    @property
    def told(self) -> str:
        """In words."""
        return f"a lifetime of at most {format_duration(self.lifetime_ms)}"

    def applied(self, snapshot: Snapshot, uid: Uid) -> Snapshot:
        """Return the snapshot with it."""
        return with_execution(snapshot, uid, lambda e: replace(e, lifetime_ms=self.lifetime_ms))


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveReservation:
    """Not to name a reservation any more."""

    kind: ClassVar[str] = "leave-reservation"
    reservation: str

    @property
    def told(self) -> str:
        """In words."""
        return f"don't ask for reservation {self.reservation}"

    def applied(self, snapshot: Snapshot, uid: Uid) -> Snapshot:
        """Return the snapshot with it."""
        return with_execution(snapshot, uid, lambda e: replace(e, reservation=""))


@dataclass(frozen=True, slots=True, kw_only=True)
class DropConstraint:
    """A component without one of its placement constraints."""

    kind: ClassVar[str] = "drop-constraint"
    component: str
    constraint: Constraint

    @property
    def told(self) -> str:
        """In words."""
        return f"don't ask for {self.constraint} in {self.component}"

    def applied(self, snapshot: Snapshot, uid: Uid) -> Snapshot:
        """Return the snapshot with it."""

        def freed(component: Component) -> Component:
            left = tuple(c for c in component.constraints if c != self.constraint)
            return replace(component, constraints=left)

        return with_component(snapshot, uid, self.component, freed)


@dataclass(frozen=True, slots=True, kw_only=True)
class DropPorts:
    """A component without fixed ports on its node."""

    kind: ClassVar[str] = "drop-ports"
    component: str
    ports: tuple[tuple[int, str], ...]

    @property
    def told(self) -> str:
        """In words."""
        ports = ", ".join(f"{number}/{protocol}" for number, protocol in self.ports)
        return f"let {self.component} have any port instead of {ports}"

    def applied(self, snapshot: Snapshot, uid: Uid) -> Snapshot:
        """Return the snapshot with it."""
        return with_component(snapshot, uid, self.component, lambda c: replace(c, host_ports=()))


@dataclass(frozen=True, slots=True, kw_only=True)
class RaisePerNode:
    """More replicas of a component on one node."""

    kind: ClassVar[str] = "max-per-node"
    component: str
    count: int

    @property
    def told(self) -> str:
        """In words."""
        return f"allow {self.count} replicas of {self.component} per node"

    def applied(self, snapshot: Snapshot, uid: Uid) -> Snapshot:
        """Return the snapshot with it."""
        more = self.count
        return with_component(
            snapshot, uid, self.component, lambda c: replace(c, max_per_node=more)
        )


def with_amount(demand: Resources, dimension: str, amount: int) -> Resources:
    """Return a demand with another amount in one dimension."""
    match dimension:
        case "cpu":
            return replace(demand, cpu_millis=amount)
        case "memory":
            return replace(demand, memory_bytes=amount)
        case _:
            others = [(name, count) for name, count in demand.generic if name != dimension]
            return Resources.of(
                cpu_millis=demand.cpu_millis,
                memory_bytes=demand.memory_bytes,
                generic=[*others, (dimension, amount)],
            )
