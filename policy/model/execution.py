"""What policy knows of an execution: identity, components, place in the queue, allocation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from sys import intern
from typing import NewType

from policy.model.derived import derived
from policy.model.resources import Resources

Uid = NewType("Uid", str)
"""Identity of one run: sha256(deployment | source id | namespace | name | run), 16 hex digits."""

NodeId = NewType("NodeId", str)
"""Identity of a node as the cluster gives it."""


LINEAR = 1000
"""The speed of one replica of a component that declares no ``speedup``."""

UNKNOWN_RUNTIME_MS = 3_600_000
"""The runtime of an execution of which nothing is known."""


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

    Elastic replicas that aren't ``is_revocable`` stay once they are given. ``speedup`` is the
    component's speed with 1, 2, … ``maximum`` replicas, in thousandths of one replica's; empty
    means that twice the replicas are twice as fast.
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
    is_revocable: bool = True
    speedup: tuple[int, ...] = ()

    @property
    def elastic(self) -> int:
        """Replicas beyond the core: they only speed the execution up."""
        return self.maximum - self.core

    def spare(self, held: int) -> int:
        """Return how many of so many replicas can be taken back; their core never."""
        return max(0, held - self.core) if self.is_revocable else 0

    def speed(self, count: int) -> int:
        """Return what ``count`` replicas add to the speed, in thousandths of a linear replica."""
        if not self.speedup:
            return LINEAR * count
        # What is held beyond the curve's end is no faster than its last point.
        return self.speedup[min(count, len(self.speedup)) - 1] if count > 0 else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """``count`` replicas of a component on a node: a group."""

    component: str
    node: NodeId
    count: int


class EstimateBasis(StrEnum):
    """What a runtime estimate rests on."""

    HINT = "hint"
    HISTORY = "history"
    EXACT = "exact"


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """How long an execution runs from start to end with everything granted, in milliseconds.

    ``typical_ms`` is the one to plan with; eight of ten runs end between ``low_ms`` and
    ``high_ms``. ``samples`` is the number of earlier runs that it rests on.
    """

    typical_ms: int
    low_ms: int
    high_ms: int
    basis: EstimateBasis
    samples: int = 0


class _Derives:
    """Has room, beside the slots of what is derived of it, for what was worked out of these.

    Both in one dictionary are a kilobyte more for each of ten thousand.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution(_Derives):
    """One run, waiting (no allocations) or admitted (with them).

    Times are milliseconds since the epoch (UTC): ``queued_ms`` when it joined the queue,
    ``started_ms`` when its core was up, ``ends_ms`` when its lifetime stops it at the latest,
    ``grown_ms`` and ``shrunk_ms`` when it last gained and last lost an elastic replica.

    ``priority`` is the value of its class, higher first. The class says whether the whole
    execution may be stopped for others (``is_preemptible``), and whether it is a filler: one that
    runs only in what is left and yields to everybody. ``is_growable`` says whether elastic
    replicas may be added now (an execution that ends shouldn't grow). ``reservation`` names the
    calendar reservation that it runs in; it waits for that one's window.

    ``work`` is what it had done at ``as_of_ms``, in thousandths of a replica times milliseconds:
    one replica of linear speed-up does 1,000 a millisecond. Since then it gets on at ``rate`` a
    millisecond, so that who runs on as before is the same in each snapshot. ``estimate`` None:
    nothing is known.
    """

    uid: Uid
    namespace: str
    name: str
    type: ApplicationType
    components: tuple[Component, ...]
    queued_ms: int
    priority: int = 0
    is_preemptible: bool = False
    is_filler: bool = False
    reservation: str = ""
    started_ms: int | None = None
    ends_ms: int | None = None
    lifetime_ms: int | None = None
    grown_ms: int | None = None
    shrunk_ms: int | None = None
    estimate: Estimate | None = None
    work: int = 0
    as_of_ms: int = 0
    rate: int = 0
    allocations: tuple[Allocation, ...] = field(default=())
    is_growable: bool = True

    @property
    def is_admitted(self) -> bool:
        """Whether it holds a place in the cluster."""
        return bool(self.allocations)

    @derived
    def core_demand(self) -> Resources:
        """What the whole core reserves."""
        total = Resources()
        for component in self.components:
            total += component.demand * component.core
        return total

    @derived
    def full_demand(self) -> Resources:
        """What core and elastic replicas together reserve."""
        total = Resources()
        for component in self.components:
            total += component.demand * component.maximum
        return total

    @derived
    def groups(self) -> dict[tuple[str, NodeId], int]:
        """What it holds now: replicas by component and node."""
        counts: dict[tuple[str, NodeId], int] = {}
        for allocation in self.allocations:
            key = (allocation.component, allocation.node)
            counts[key] = counts.get(key, 0) + allocation.count
        return counts

    @derived
    def by_name(self) -> Mapping[str, Component]:
        """Its components by name."""
        return {component.name: component for component in self.components}

    @derived
    def load(self) -> tuple[tuple[NodeId, Resources], ...]:
        """What it reserves now, by node."""
        loads: dict[NodeId, Resources] = {}
        for allocation in self.allocations:
            component = self.by_name.get(allocation.component)
            if component is not None:
                demand = component.demand * allocation.count
                known = loads.get(allocation.node)
                loads[allocation.node] = known + demand if known else demand
        return tuple(loads.items())

    @derived
    def core_load(self) -> tuple[tuple[NodeId, Resources], ...]:
        """What its core reserves now, by node, if the largest groups are taken to be core."""
        loads: list[tuple[NodeId, Resources]] = []
        left = {component.name: component.core for component in self.components}
        for allocation in sorted(self.allocations, key=lambda a: (-a.count, a.node)):
            count = min(left.get(allocation.component, 0), allocation.count)
            if count:
                left[allocation.component] -= count
                demand = self.by_name[allocation.component].demand
                loads.append((allocation.node, demand * count))
        return tuple(loads)

    @derived
    def port_load(self) -> tuple[tuple[NodeId, frozenset[tuple[int, str]]], ...]:
        """The host ports that it takes now, by node."""
        return tuple(
            (allocation.node, frozenset(component.host_ports))
            for allocation in self.allocations
            if (component := self.by_name.get(allocation.component)) and component.host_ports
        )

    @derived
    def gives(self) -> tuple[tuple[NodeId, int, int], ...]:
        """See :meth:`could_give`, of what it holds now."""
        return self.could_give(self.groups, self.held)

    def could_give(
        self, groups: Mapping[tuple[str, NodeId], int], held: Mapping[str, int]
    ) -> tuple[tuple[NodeId, int, int], ...]:
        """Return how many millicores and bytes of these groups could be taken at most, by node.

        ``held`` is how many replicas of each component it has in all.
        """
        most = []
        for (name, node), count in groups.items():
            part = self.by_name[name]
            given = count if self.is_preemptible else min(count, part.spare(held.get(name, 0)))
            if given > 0:
                most.append(
                    (node, part.demand.cpu_millis * given, part.demand.memory_bytes * given)
                )
        return tuple(most)

    @derived
    def arrival(self) -> tuple[int, str, str, str]:
        """First come first served, in a total order."""
        return (self.queued_ms, self.namespace, self.name, self.uid)

    @derived
    def replicas(self) -> int:
        """Core and elastic replicas together."""
        return sum(component.maximum for component in self.components)

    @derived
    def full_speed(self) -> int:
        """Its speed with everything granted (see :meth:`Component.speed`)."""
        return sum(component.speed(component.maximum) for component in self.components)

    def done(self, now_ms: int) -> int:
        """Return what it has done by now, in the unit of ``work``."""
        return self.work + self.rate * max(0, now_ms - self.as_of_ms) if self.rate else self.work

    def attained_ms(self, now_ms: int) -> int:
        """Return how long it would have run so far with everything granted."""
        done = self.done(now_ms)
        return done // self.full_speed if done and self.full_speed else 0

    def runtime_ms(self, now_ms: int) -> int:
        """Return how long it takes from start to end with everything granted, as far as is known.

        One that has already run for longer than it was said to is taken to be half-way.
        """
        expected = self.estimate.typical_ms if self.estimate else UNKNOWN_RUNTIME_MS
        attained = self.attained_ms(now_ms)
        return max(1, expected if attained < expected else 2 * attained)

    def remaining_ms(self, now_ms: int) -> int:
        """Return how much of that is left."""
        return max(1, self.runtime_ms(now_ms) - self.attained_ms(now_ms))

    def coarse_size(self, now_ms: int) -> int:
        """Return what is left to do: seconds with everything granted, times replicas, in bits.

        Where nothing is known: what was done so far (least attained service first).
        """
        if not (self.work or self.rate):  # most of those who wait: nothing to work out
            known = self.estimate.typical_ms if self.estimate else 0
        else:
            known = (self.remaining_ms if self.estimate else self.attained_ms)(now_ms)
        return (known * self.replicas // 1000).bit_length()

    @derived
    def kind(self) -> str:
        """What tells it, while it waits, from others in rank, but for arrival and age.

        The size, too, stays as it is: while it waits nothing is done. A string, since those are
        compared fast.
        """
        asked = self.core_demand if self.type is ApplicationType.INTERACTIVE else ""
        size = self.coarse_size(self.as_of_ms)
        told = (size, self.priority, self.is_filler, self.is_preemptible, asked)
        return intern(f"{self.namespace} {told}")

    @derived
    def shape(self) -> str:
        """What decides where its core may go and what it takes there.

        Of a single component but for how many replicas are its core: who asks for more of the same
        finds no room where who asks for less didn't. A string, since those are compared fast.
        """
        if len(self.components) > 1:
            return intern(repr(self.components))
        parts = [
            (c.demand, c.constraints, c.only_nodes, c.host_ports, c.max_per_node, c.is_colocated)
            for c in self.components
        ]
        return intern(repr(parts))

    @derived
    def rigid(self) -> Execution:
        """The same with its elastic replicas as core."""
        if not self.is_elastic:
            return self
        wide = tuple(replace(c, core=c.maximum) for c in self.components)
        return replace(self, components=wide)

    @derived
    def is_colocated(self) -> bool:
        """Whether any component has to share a node with another."""
        return any(component.is_colocated for component in self.components)

    @derived
    def is_elastic(self) -> bool:
        """Whether it ever has replicas that could be taken back."""
        return any(c.maximum > c.core and c.is_revocable for c in self.components)

    @derived
    def is_special(self) -> bool:
        """Whether any replica stays once it is given, or is given by what it gains."""
        return any(not c.is_revocable or c.speedup for c in self.components)

    @derived
    def is_full(self) -> bool:
        """Whether it holds just as many replicas as it can use."""
        return all(self.held.get(c.name, 0) == c.maximum for c in self.components)

    @derived
    def is_over(self) -> bool:
        """Whether it holds more replicas of a component than that may have."""
        return any(self.held.get(c.name, 0) > c.maximum for c in self.components)

    @derived
    def nodes(self) -> frozenset[NodeId]:
        """The nodes that it holds anything on."""
        return frozenset(allocation.node for allocation in self.allocations)

    @derived
    def held(self) -> dict[str, int]:
        """Replicas that it holds now, by component."""
        counts: dict[str, int] = {}
        for allocation in self.allocations:
            counts[allocation.component] = counts.get(allocation.component, 0) + allocation.count
        return counts
