"""What the author of a waiting execution could change in its manifest."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from policy.model.execution import Component, Constraint, Execution
from policy.model.resources import Resources, format_amount
from policy.remedy.change import ComponentChange, ExecutionChange
from policy.words import format_duration


@dataclass(frozen=True, slots=True, kw_only=True)
class AskForReplicas(ComponentChange):
    """Fewer replicas of a component; ``is_total`` where elastic ones count as core."""

    kind: ClassVar[str] = "fewer-replicas"
    replicas: int
    is_total: bool = False

    @property
    def told(self) -> str:
        """In words."""
        what = "replica" if self.replicas == 1 else "replicas"
        if self.is_total:
            return f"ask for at most {self.replicas} {what} of {self.component}"
        return f"ask for a core of at most {self.replicas} {what} of {self.component}"

    def _changed_component(self, component: Component) -> Component:
        most = self.replicas if self.is_total else component.maximum
        return replace(component, core=min(self.replicas, component.core), maximum=most)


@dataclass(frozen=True, slots=True, kw_only=True)
class AskForLess(ComponentChange):
    """Smaller replicas of a component."""

    kind: ClassVar[str] = "smaller-replicas"
    dimension: str
    amount: int

    @property
    def told(self) -> str:
        """In words."""
        amount = format_amount(self.dimension, self.amount)
        return f"ask for at most {amount} per replica of {self.component}"

    def _changed_component(self, component: Component) -> Component:
        demand = with_amount(component.demand, self.dimension, self.amount)
        return replace(component, demand=demand)


@dataclass(frozen=True, slots=True, kw_only=True)
class RaisePriority(ExecutionChange):
    """A higher priority class; ``name`` is "" where the classes aren't known."""

    kind: ClassVar[str] = "priority"
    priority: int
    name: str = ""

    @property
    def told(self) -> str:
        """In words."""
        return f"priority {self.name or self.priority}"

    def _changed(self, execution: Execution) -> Execution:
        return replace(execution, priority=self.priority, is_filler=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortenLifetime(ExecutionChange):
    """A lifetime short enough to be gone before what the room is kept for."""

    kind: ClassVar[str] = "lifetime"
    lifetime_ms: int

    @property
    def told(self) -> str:
        """In words."""
        return f"a lifetime of at most {format_duration(self.lifetime_ms)}"

    def _changed(self, execution: Execution) -> Execution:
        return replace(execution, lifetime_ms=self.lifetime_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveReservation(ExecutionChange):
    """Not to name a reservation any more."""

    kind: ClassVar[str] = "leave-reservation"
    reservation: str

    @property
    def told(self) -> str:
        """In words."""
        return f"don't ask for reservation {self.reservation}"

    def _changed(self, execution: Execution) -> Execution:
        return replace(execution, reservation="")


@dataclass(frozen=True, slots=True, kw_only=True)
class DropConstraint(ComponentChange):
    """A component without one of its placement constraints."""

    kind: ClassVar[str] = "drop-constraint"
    constraint: Constraint

    @property
    def told(self) -> str:
        """In words."""
        return f"don't ask for {self.constraint} in {self.component}"

    def _changed_component(self, component: Component) -> Component:
        left = tuple(c for c in component.constraints if c != self.constraint)
        return replace(component, constraints=left)


@dataclass(frozen=True, slots=True, kw_only=True)
class DropPorts(ComponentChange):
    """A component without fixed ports on its node."""

    kind: ClassVar[str] = "drop-ports"
    ports: tuple[tuple[int, str], ...]

    @property
    def told(self) -> str:
        """In words."""
        ports = ", ".join(f"{number}/{protocol}" for number, protocol in self.ports)
        return f"let {self.component} have any port instead of {ports}"

    def _changed_component(self, component: Component) -> Component:
        return replace(component, host_ports=())


@dataclass(frozen=True, slots=True, kw_only=True)
class RaisePerNode(ComponentChange):
    """More replicas of a component on one node."""

    kind: ClassVar[str] = "max-per-node"
    count: int

    @property
    def told(self) -> str:
        """In words."""
        return f"allow {self.count} replicas of {self.component} per node"

    def _changed_component(self, component: Component) -> Component:
        return replace(component, max_per_node=self.count)


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
