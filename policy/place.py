"""Where a component's replicas go: filters that explain their "no", then a score.

Placement works on a :class:`Room`, what is free on each node while a decision is being made.
The filters run in a fixed order and the first one that refuses a node gives the reason
(the way of SwarmKit's scheduler); the order of a sum of equal scores is the node's id.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from policy.model.cluster import Node
from policy.model.decision import Refusal
from policy.model.execution import (
    Allocation,
    Component,
    Constraint,
    Execution,
    NodeId,
    Operator,
)
from policy.model.resources import Resources, format_amount


@dataclass(slots=True)
class NodeRoom:
    """What is left of one node: resources, host ports, and replicas by (uid, component)."""

    node: Node
    free: Resources
    ports: set[tuple[int, str]]
    held: dict[tuple[str, str], int] = field(default_factory=dict)

    def take(self, execution: Execution, component: Component, count: int) -> None:
        """Charge ``count`` replicas (a negative count gives them back)."""
        self.free -= component.demand * count
        key = (execution.uid, component.name)
        self.held[key] = self.held.get(key, 0) + count
        if count > 0:
            self.ports.update(component.host_ports)
        elif not self.held[key]:
            self.ports.difference_update(component.host_ports)

    def holds(self, execution: Execution) -> bool:
        """Tell whether any replica of ``execution`` is here."""
        return any(count and uid == execution.uid for (uid, _), count in self.held.items())


class Room:
    """The free room of every node, charged and given back as a decision takes shape."""

    def __init__(self, nodes: Iterable[Node], *, headroom: Resources) -> None:
        self._rooms = {
            node.id: NodeRoom(
                node=node,
                free=node.capacity - node.reserved - headroom,
                ports=set(node.taken_ports),
            )
            for node in sorted(nodes, key=lambda n: n.id)
        }
        self._spares: dict[tuple[object, ...], bool] = {}

    def __iter__(self) -> Iterator[NodeRoom]:
        return iter(self._rooms.values())

    def spares_managers(self, component: Component) -> bool:
        """Tell whether some worker, whatever its state, may hold ``component``.

        Then managers don't take it: one that dies takes its tasks with it.
        """
        key = (component.constraints, component.only_nodes)
        if key not in self._spares:
            self._spares[key] = any(
                not room.node.is_manager
                and all(satisfies(room.node, c) for c in component.constraints)
                and (component.only_nodes is None or room.node.id in component.only_nodes)
                for room in self
            )
        return self._spares[key]

    def charge(self, execution: Execution, allocations: Iterable[Allocation]) -> None:
        """Charge allocations; those on nodes that are gone weigh nothing."""
        self._move(execution, allocations, 1)

    def give_back(self, execution: Execution, allocations: Iterable[Allocation]) -> None:
        """Undo :meth:`charge`."""
        self._move(execution, allocations, -1)

    def _move(self, execution: Execution, allocations: Iterable[Allocation], sign: int) -> None:
        components = {component.name: component for component in execution.components}
        for allocation in allocations:
            room = self._rooms.get(allocation.node)
            component = components.get(allocation.component)
            if room is not None and component is not None:
                room.take(execution, component, sign * allocation.count)


Filter = Callable[[NodeRoom, Execution, Component], str]
"""Returns "" for yes, else why not, in words."""


def _state(room: NodeRoom, _execution: Execution, _component: Component) -> str:
    return "" if room.node.is_ready else "is down"


def _drain(room: NodeRoom, _execution: Execution, _component: Component) -> str:
    return "" if room.node.is_active else "is drained or paused"


def _constraints(room: NodeRoom, _execution: Execution, component: Component) -> str:
    for constraint in component.constraints:
        if not satisfies(room.node, constraint):
            actual = attribute(room.node, constraint.attribute)
            return f"{constraint} isn't met ({_shown(actual)})"
    return ""


def _storage(room: NodeRoom, _execution: Execution, component: Component) -> str:
    if component.only_nodes is None or room.node.id in component.only_nodes:
        return ""
    return "doesn't hold the namespace's storage"


def _max_per_node(room: NodeRoom, execution: Execution, component: Component) -> str:
    held = room.held.get((execution.uid, component.name), 0)
    if component.max_per_node and held >= component.max_per_node:
        return f"has {held} of at most {component.max_per_node} replicas per node"
    return ""


def _ports(room: NodeRoom, _execution: Execution, component: Component) -> str:
    taken = sorted(set(component.host_ports) & room.ports)
    return f"port {taken[0][0]}/{taken[0][1]} is taken" if taken else ""


def _resources(room: NodeRoom, _execution: Execution, component: Component) -> str:
    missing = component.demand.shortfall(room.free)
    return "; ".join(
        f"needs {format_amount(name, need)}, {format_amount(name, max(0, free))} free"
        for name, need, free in missing
    )


FILTERS: Mapping[str, Filter] = {
    "state": _state,
    "drain": _drain,
    "constraints": _constraints,
    "storage": _storage,
    "max-per-node": _max_per_node,
    "ports": _ports,
    "resources": _resources,
}


def refusal(
    node: NodeRoom, execution: Execution, component: Component, room: Room
) -> Refusal | None:
    """Return why the node takes no replica of ``component``, or None if it takes one."""
    for name, check in FILTERS.items():
        if message := check(node, execution, component):
            return _refusal(node, component, name, message)
    if node.node.is_manager and room.spares_managers(component):
        return _refusal(node, component, "role", "is a manager, and there are workers")
    return None


def _refusal(node: NodeRoom, component: Component, filter_: str, message: str) -> Refusal:
    return Refusal(
        node=node.node.id,
        hostname=node.node.hostname,
        component=component.name,
        filter=filter_,
        message=message,
    )


def capacity_for(node: NodeRoom, execution: Execution, component: Component, room: Room) -> int:
    """Return how many replicas of ``component`` the node takes now (0 = refused)."""
    if refusal(node, execution, component, room) is not None:
        return 0
    limits = [component.maximum]
    if (fits := component.demand.how_many(node.free)) is not None:
        limits.append(fits)
    if component.host_ports:
        limits.append(1)
    if component.max_per_node:
        limits.append(component.max_per_node - node.held.get((execution.uid, component.name), 0))
    return min(limits)


def place_core(
    execution: Execution, room: Room
) -> tuple[tuple[Allocation, ...], tuple[Refusal, ...]]:
    """Place the whole core, packed onto few nodes, or nothing.

    Colocated components that have no home yet get the first node on which all of it works.
    Charges ``room`` when it fits and leaves it as it was when not. The hardest to place go first
    (first fit decreasing), which finds nearly every packing that exists, not all.

    Returns:
        The groups, in component and node order, and no refusals; or no groups and every node's
        no to the first component that found no place.
    """
    homeless = [c for c in execution.components if c.is_colocated and c.only_nodes is None]
    if not homeless:
        return _place_core(execution, room)
    refusals: tuple[Refusal, ...] = ()
    spares_managers = any(room.spares_managers(component) for component in homeless)
    homes = [n for n in room if not (n.node.is_manager and spares_managers)]
    for home in [node.node.id for node in sorted(homes, key=_packed(execution))]:
        groups, no = _place_core(at_home(execution, frozenset({home})), room)
        if groups:
            return groups, ()
        refusals = refusals + tuple(r for r in no if r.node == home)
    return (), refusals


def at_home(execution: Execution, home: frozenset[NodeId]) -> Execution:
    """Return the execution with its colocated components kept on ``home``."""
    return replace(
        execution,
        components=tuple(
            replace(c, only_nodes=home) if c.is_colocated and c.only_nodes is None else c
            for c in execution.components
        ),
    )


def _place_core(
    execution: Execution, room: Room
) -> tuple[tuple[Allocation, ...], tuple[Refusal, ...]]:
    placed: list[Allocation] = []
    for component in sorted(execution.components, key=_hardest_first):
        groups = _place_replicas(execution, component, room, component.core)
        placed.extend(groups)
        if sum(group.count for group in groups) < component.core:
            refusals = tuple(
                no for node in room if (no := refusal(node, execution, component, room)) is not None
            )
            room.give_back(execution, placed)
            return (), refusals
    return merge(placed), ()


def place_elastic(
    execution: Execution, component: Component, room: Room, wanted: int
) -> tuple[Allocation, ...]:
    """Place up to ``wanted`` replicas, one at a time on the emptiest node; charges ``room``."""
    placed: list[Allocation] = []
    for _ in range(wanted):
        groups = _fill(
            execution, component, room, 1, key=_evened(execution, component, room, _emptiest)
        )
        if not groups:
            break
        placed.extend(groups)
    return merge(placed)


def merge(allocations: Iterable[Allocation]) -> tuple[Allocation, ...]:
    """Return allocations summed by (component, node), in order, without empty groups."""
    counts: dict[tuple[str, NodeId], int] = {}
    for allocation in allocations:
        key = (allocation.component, allocation.node)
        counts[key] = counts.get(key, 0) + allocation.count
    return tuple(
        Allocation(component=component, node=node, count=count)
        for (component, node), count in sorted(counts.items())
        if count
    )


def satisfies(node: Node, constraint: Constraint) -> bool:
    """Tell whether a node meets a constraint, by Swarm's rules (compared regardless of case)."""
    equal = attribute(node, constraint.attribute).lower() == constraint.value.lower()
    return equal is (constraint.operator is Operator.EQUAL)


def attribute(node: Node, name: str) -> str:
    """Return a node's attribute in Swarm's terms; "" where it has none."""
    if name.startswith("node.labels."):
        return node.labels.get(name.removeprefix("node.labels."), "")
    if name.startswith("engine.labels."):
        return node.engine_labels.get(name.removeprefix("engine.labels."), "")
    return {
        "node.id": node.id,
        "node.hostname": node.hostname,
        "node.role": "manager" if node.is_manager else "worker",
        "node.platform.os": node.os,
        "node.platform.arch": node.architecture,
    }.get(name, "")


def _fill(
    execution: Execution,
    component: Component,
    room: Room,
    wanted: int,
    *,
    key: Callable[[NodeRoom], tuple[Any, ...]],
) -> list[Allocation]:
    """Fill nodes in the order of ``key`` until ``wanted`` replicas have a place."""
    placed: list[Allocation] = []
    for node in sorted(room, key=key):
        if wanted <= 0:
            break
        count = min(wanted, capacity_for(node, execution, component, room))
        if count > 0:
            node.take(execution, component, count)
            wanted -= count
            placed.append(Allocation(component=component.name, node=node.node.id, count=count))
    return placed


def _place_replicas(
    execution: Execution, component: Component, room: Room, wanted: int
) -> list[Allocation]:
    """Place core replicas packed, or one by one where they are to be spread."""
    packed = _packed(execution)
    if not component.spread:
        return _fill(execution, component, room, wanted, key=packed)
    placed: list[Allocation] = []
    for _ in range(wanted):
        placed += _fill(
            execution, component, room, 1, key=_evened(execution, component, room, packed)
        )
    return placed


def _evened(
    execution: Execution,
    component: Component,
    room: Room,
    then: Callable[[NodeRoom], tuple[Any, ...]],
) -> Callable[[NodeRoom], tuple[Any, ...]]:
    """Prefer the values of the spread attribute that hold the fewest replicas of a component."""
    if not component.spread:
        return then
    held: Counter[str] = Counter()
    for node in room:
        value = attribute(node.node, component.spread)
        held[value] += sum(
            count for (_, name), count in node.held.items() if name == component.name
        )

    def key(node: NodeRoom) -> tuple[Any, ...]:
        return (held[attribute(node.node, component.spread)], *then(node))

    return key


def _hardest_first(component: Component) -> tuple[bool, int, int, str]:
    """Those tied to a node before the free ones, then the large before the small."""
    demand = component.demand
    return (
        component.only_nodes is None,
        -demand.memory_bytes,
        -demand.cpu_millis,
        component.name,
    )


def _packed(execution: Execution) -> Callable[[NodeRoom], tuple[Any, ...]]:
    """Nodes that hold part of the execution first, then the fullest."""

    def key(room: NodeRoom) -> tuple[Any, ...]:
        return (
            not room.holds(execution),
            room.free.memory_bytes,
            room.free.cpu_millis,
            room.node.id,
        )

    return key


def _emptiest(room: NodeRoom) -> tuple[Any, ...]:
    return (-room.free.memory_bytes, -room.free.cpu_millis, room.node.id)


def _shown(value: str) -> str:
    return f"it is {value!r}" if value else "it has none"
