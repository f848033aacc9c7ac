"""What is free on each node while a decision takes shape. Mutable, and only that long."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from policy.model.cluster import Node
from policy.model.execution import Component, Constraint, Execution, NodeId, Operator
from policy.model.resources import NOTHING, Resources

_NEVER_REFUSES = -(10**30)


class NodeRoom:
    """What is left of one node: resources and host ports."""

    __slots__ = ("cpu", "generic", "memory", "node", "ports")

    def __init__(self, node: Node, headroom: Resources) -> None:
        capacity, reserved = node.capacity, node.reserved
        self.node = node
        self.cpu = capacity.cpu_millis - reserved.cpu_millis - headroom.cpu_millis
        self.memory = capacity.memory_bytes - reserved.memory_bytes - headroom.memory_bytes
        self.generic = dict(capacity.generic)
        for name, count in (*reserved.generic, *headroom.generic):
            self.generic[name] = self.generic.get(name, 0) - count
        self.ports = set(node.taken_ports)

    @property
    def free(self) -> Resources:
        """The free amounts as a vector."""
        return Resources.of(
            cpu_millis=self.cpu, memory_bytes=self.memory, generic=self.generic.items()
        )

    def how_many(self, demand: Resources, most: int) -> int:
        """Return how often ``demand`` fits, at most ``most`` times.

        A dimension in which nothing is asked never refuses, even where less than nothing is free
        (a node that others have overcommitted).
        """
        if demand.cpu_millis > 0:
            most = min(most, self.cpu // demand.cpu_millis)
        if demand.memory_bytes > 0:
            most = min(most, self.memory // demand.memory_bytes)
        if demand.generic:
            for name, count in demand.generic:
                if count > 0:
                    most = min(most, self.generic.get(name, 0) // count)
        return most if most > 0 else 0

    def take(self, demand: Resources, count: int) -> None:
        """Charge ``count`` times ``demand`` (a negative count gives it back)."""
        self.cpu -= demand.cpu_millis * count
        self.memory -= demand.memory_bytes * count
        if demand.generic:
            for name, amount in demand.generic:
                self.generic[name] = self.generic.get(name, 0) - amount * count


class Room:
    """The free room of every node, in the order of their ids."""

    def __init__(self, nodes: Iterable[Node], *, headroom: Resources = NOTHING) -> None:
        self.by_id = {
            node.id: NodeRoom(node, headroom) for node in sorted(nodes, key=lambda n: n.id)
        }
        self.free_cpu = sum(room.cpu for room in self.by_id.values())
        self.free_memory = sum(room.memory for room in self.by_id.values())
        self._eligible: dict[tuple[object, ...], tuple[NodeRoom, ...]] = {}
        self._most: tuple[int, int] | None = None

    def __iter__(self) -> Iterator[NodeRoom]:
        return iter(self.by_id.values())

    def charge(self, execution: Execution, sign: int = 1) -> None:
        """Charge what an execution holds; what is on nodes that are gone weighs nothing."""
        cpu = memory = 0
        for node, demand in execution.load:
            room = self.by_id.get(node)
            if room is not None:
                room.take(demand, sign)
                cpu += demand.cpu_millis
                memory += demand.memory_bytes
        self.free_cpu -= cpu * sign
        self.free_memory -= memory * sign
        for node, ports in execution.port_load:
            room = self.by_id.get(node)
            if room is not None:
                (room.ports.update if sign > 0 else room.ports.difference_update)(ports)
        self._most = None

    def charge_core(self, execution: Execution, sign: int = 1) -> None:
        """Charge what the core of an execution holds, as :meth:`charge` does."""
        for node, demand in execution.core_load:
            self._take(node, demand, sign)
        self._most = None

    def take(self, node: NodeId, component: Component, count: int) -> None:
        """Charge replicas on a node (a negative count gives them back)."""
        room = self._take(node, component.demand, count)
        if room is None:
            return
        if count < 0:
            room.ports.difference_update(component.host_ports)
            self._most = None
        elif component.host_ports:
            room.ports.update(component.host_ports)

    def _take(self, node: NodeId, demand: Resources, count: int) -> NodeRoom | None:
        room = self.by_id.get(node)
        if room is not None:
            room.take(demand, count)
            self.free_cpu -= demand.cpu_millis * count
            self.free_memory -= demand.memory_bytes * count
        return room

    def eligible(self, component: Component) -> tuple[NodeRoom, ...]:
        """Return the nodes that may hold ``component`` at all, however full they are.

        Managers only where no worker, whatever its state, may: a manager that is starved takes
        the cluster with it.
        """
        key = (component.constraints, component.only_nodes)
        if key not in self._eligible:
            may = [room for room in self if _may_hold(room.node, component)]
            if any(not room.node.is_manager for room in may):
                may = [room for room in may if not room.node.is_manager]
            up = (room for room in may if room.node.is_ready and room.node.is_active)
            self._eligible[key] = tuple(up)
        return self._eligible[key]

    def roomy(self, component: Component) -> list[NodeRoom]:
        """Return those of the eligible nodes that have CPU and memory for a replica now."""
        # As `how_many` tells, for a hundred nodes at once: most of a full cluster have none.
        cpu = component.demand.cpu_millis or _NEVER_REFUSES
        memory = component.demand.memory_bytes or _NEVER_REFUSES
        return [n for n in self.eligible(component) if n.cpu >= cpu and n.memory >= memory]

    def spares_managers(self, component: Component) -> bool:
        """Tell whether managers don't take ``component`` because a worker may."""
        return any(not room.node.is_manager and _may_hold(room.node, component) for room in self)

    def close(self, node: NodeId) -> None:
        """Let nothing more onto a node."""
        room = self.by_id[node]
        room.cpu, room.memory = min(0, room.cpu), min(0, room.memory)
        room.generic = {name: min(0, count) for name, count in room.generic.items()}
        self._most = None

    def may_fit(self, demand: Resources) -> bool:
        """Tell, at little cost, whether any node could have room for ``demand``.

        Remembers the most that any node had; that only shrinks while room is taken.
        """
        if self._most is None:
            rooms = self.by_id.values()
            self._most = (
                max([room.cpu for room in rooms], default=0),
                max([room.memory for room in rooms], default=0),
            )
        cpu, memory = self._most
        return demand.cpu_millis <= max(0, cpu) and demand.memory_bytes <= max(0, memory)

    def tighten(self) -> None:
        """Look again for what :meth:`may_fit` remembers, after room was taken."""
        self._most = None


def emptied(nodes: Iterable[Node], *, headroom: Resources) -> Room:
    """Return the room of the nodes as if all were up and nothing ran on them."""
    return Room(map(_emptied, nodes), headroom=headroom)


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


def _emptied(node: Node) -> Node:
    if node.is_ready and node.is_active and node.reserved == NOTHING and not node.taken_ports:
        return node
    return replace(node, reserved=NOTHING, taken_ports=frozenset(), is_ready=True, is_active=True)


def _may_hold(node: Node, component: Component) -> bool:
    return all(satisfies(node, constraint) for constraint in component.constraints) and (
        component.only_nodes is None or node.id in component.only_nodes
    )
