"""What policy knows of an execution: identity, components, place in the queue, allocation."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType

from policy.model.resources import Resources

Uid = NewType("Uid", str)
"""Identity of one run: sha256(deployment | source id | namespace | name | run), 16 hex digits."""

NodeId = NewType("NodeId", str)
"""Identity of a node as the cluster gives it."""


class ApplicationType(StrEnum):
    """What ends an execution: a person, its own exit, or nothing."""

    INTERACTIVE = "interactive"
    BATCH = "batch"
    STREAMING = "streaming"


class Operator(StrEnum):
    """How a constraint compares."""

    EQUAL = "=="
    NOT_EQUAL = "!="


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    """A hard rule on a node, in Swarm's terms: ``node.labels.tier == compute``."""

    attribute: str
    operator: Operator
    value: str

    def __str__(self) -> str:
        return f"{self.attribute} {self.operator} {self.value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """A part of an execution: ``core`` replicas are needed, up to ``maximum`` are of use.

    ``demand`` is what one replica reserves. ``host_ports`` are (port, protocol) pairs that a
    replica takes on its node. ``max_per_node`` of 0 means no limit. ``spread`` names a node
    attribute over whose values replicas are evened out, where there is room. ``only_nodes`` keeps
    the component on nodes that hold its data; None means anywhere. Colocated components share one
    node: they mount storage that exists only there, and the first one to start chooses.
    """

    name: str
    core: int
    maximum: int
    demand: Resources
    constraints: tuple[Constraint, ...] = ()
    host_ports: tuple[tuple[int, str], ...] = ()
    max_per_node: int = 0
    spread: str = ""
    only_nodes: frozenset[NodeId] | None = None
    is_colocated: bool = False

    @property
    def elastic(self) -> int:
        """Replicas beyond the core: they only speed the execution up."""
        return self.maximum - self.core


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """``count`` replicas of a component on a node: a group."""

    component: str
    node: NodeId
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One run, waiting (no allocations) or admitted (with them).

    ``queued_ms`` and ``started_ms`` are milliseconds since the epoch (UTC); ``priority`` is the
    value of its class, higher first. ``is_growable`` says whether elastic replicas may be added
    now (an execution that ends shouldn't grow).
    """

    uid: Uid
    namespace: str
    name: str
    type: ApplicationType
    components: tuple[Component, ...]
    queued_ms: int
    priority: int = 0
    started_ms: int | None = None
    ends_ms: int | None = None
    allocations: tuple[Allocation, ...] = field(default=())
    is_growable: bool = True

    @property
    def is_admitted(self) -> bool:
        """Whether it holds a place in the cluster."""
        return bool(self.allocations)

    @property
    def core_demand(self) -> Resources:
        """What the whole core reserves."""
        total = Resources()
        for component in self.components:
            total += component.demand * component.core
        return total
