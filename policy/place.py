"""Where replicas go: the core of an execution packed, its elastic replicas spread.

Placing charges the room; what can't be placed whole is given back by who asked. Equal scores are
decided by the node's id.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from policy.model.execution import Allocation, Component, Execution, NodeId
from policy.room import NodeRoom, Room, attribute
from policy.settings import Score

Groups = dict[tuple[str, NodeId], int]
"""Replicas by component and node."""


class Force(Protocol):
    """Frees room by taking it from others."""

    def stages(self) -> Sequence[Force]:
        """Return whom to ask in turn on all nodes: the last of them is asked for everything."""

    def worth_asking(self, rooms: Iterable[NodeRoom], component: Component) -> list[NodeRoom]:
        """Return, at little cost, the nodes on which it may be of use to ask."""

    def make_room(self, node: NodeRoom, component: Component) -> bool:
        """Free room for one replica on a node; False, and nothing is taken, if that can't be."""


class Placer:
    """Places replicas in ``room``; they have to fit into every one of ``later`` as well.

    ``force`` is asked where a replica finds no free room; None: nobody gives any. Nodes that
    are ``closed`` take nothing.
    """

    def __init__(
        self,
        room: Room,
        *,
        score: Score = Score.BINPACK,
        later: Sequence[Room] = (),
        force: Force | None = None,
        closed: frozenset[NodeId] = frozenset(),
    ) -> None:
        self._room = room
        self._closed = closed
        self._score = _SCORES[score]
        self._later = later
        self._force = force

    def place_core(self, execution: Execution, groups: Groups) -> bool:
        """Place the whole core into ``groups``, or tell that it can't be and place nothing.

        The hardest to place go first (first fit decreasing), which finds nearly every packing
        that exists, not all.
        """
        before = dict(groups)
        for component in sorted(execution.components, key=hardest_first):
            if self.place_replicas(component, groups) < component.core:
                self.give_back(execution, groups, before)
                return False
        return True

    def homes(self, homeless: Collection[Component]) -> list[NodeId]:
        """Return the nodes that colocated components may begin on, the fullest first."""
        rooms = set.intersection(*({*self._room.eligible(c)} for c in homeless))
        return [n.node.id for n in sorted(rooms, key=lambda n: (n.memory, n.cpu, n.node.id))]

    def place_elastic(self, component: Component, groups: Groups, wanted: int) -> int:
        """Place up to ``wanted`` replicas, one at a time on the emptiest node; return how many."""
        if not self._room.may_fit(component.demand):
            return 0
        rooms = [n for n in self._room.roomy(component) if self._fits(n, component, groups, 1)]
        if len(rooms) == 1 and not component.spread:
            return self._take(rooms[0], component, groups, wanted)
        evened = _replicas_by_value(component, groups, self._room)
        heap = [self._emptiest(n, component, evened) for n in rooms]
        heapq.heapify(heap)
        placed = 0
        while heap and placed < wanted:
            entry = heapq.heappop(heap)
            node = entry[-1]
            if component.spread and entry[0] != evened[attribute(node.node, component.spread)]:
                heapq.heappush(heap, self._emptiest(node, component, evened))
                continue
            if not self._take(node, component, groups, 1):
                continue
            placed += 1
            evened[attribute(node.node, component.spread)] += 1
            heapq.heappush(heap, self._emptiest(node, component, evened))
        if placed < wanted:
            self._room.tighten()
        return placed

    def give_back(self, execution: Execution, groups: Groups, before: Mapping[Any, int]) -> None:
        """Undo what was placed into ``groups`` since they were ``before``."""
        for key, count in list(groups.items()):
            added = count - before.get(key, 0)
            if added:
                component = execution.by_name[key[0]]
                for room in (self._room, *self._later):
                    room.take(key[1], component, -added)
        groups.clear()
        groups.update(before)

    def place_replicas(self, component: Component, groups: Groups) -> int:
        """Place the core of one component; return how many replicas found a place."""
        if component.spread:
            return self._place_evenly(component, groups)
        placed = 0
        if self._room.may_fit(component.demand):
            rooms = self._room.roomy(component)
            open_rooms = [n for n in rooms if self._fits(n, component, groups, 1)]
            homes = {node for _, node in groups}
            for node in sorted(open_rooms, key=lambda n: self._score(n, component, homes)):
                if placed >= component.core:
                    return placed
                placed += self._take(node, component, groups, component.core - placed)
            self._room.tighten()
        return placed + self.place_by_force(component, groups, component.core - placed)

    def _place_evenly(self, component: Component, groups: Groups) -> int:
        placed = self._place_one_by_one(component, groups, component.core)
        return placed + self.place_by_force(component, groups, component.core - placed)

    def _place_one_by_one(self, component: Component, groups: Groups, wanted: int) -> int:
        """Place replicas one by one on the value of the spread attribute that has the fewest."""
        placed = 0
        while placed < wanted:
            evened = _replicas_by_value(component, groups, self._room)
            homes = {node for _, node in groups}
            rooms = [n for n in self._room.roomy(component) if self._fits(n, component, groups, 1)]
            if not rooms:
                break
            best = min(
                rooms,
                key=lambda n: (
                    evened[attribute(n.node, component.spread)],
                    self._score(n, component, homes),
                ),
            )
            placed += self._take(best, component, groups, 1)
        return placed

    def place_by_force(self, component: Component, groups: Groups, wanted: int) -> int:
        """Place replicas in room that others have to give up, on nodes that are in use first."""
        placed = 0
        for force in self._force.stages() if self._force else ():
            if placed < wanted:
                placed += self._place_by(force, component, groups, wanted - placed)
        return placed

    def _place_by(self, force: Force, component: Component, groups: Groups, wanted: int) -> int:
        homes = {node for _, node in groups}
        open_rooms = self._room.eligible(component)
        if self._closed:
            open_rooms = tuple(n for n in open_rooms if n.node.id not in self._closed)
        rooms = force.worth_asking(open_rooms, component)
        rooms.sort(key=lambda n: (n.node.id not in homes, -n.memory, -n.cpu, n.node.id))
        placed = 0
        for node in rooms:
            while (
                placed < wanted
                and self._may_take(node, component, groups, 1)
                and force.make_room(node, component)
            ):
                placed += self._take(node, component, groups, 1)
        return placed

    def _fits(self, node: NodeRoom, component: Component, groups: Groups, wanted: int) -> int:
        """Return how many replicas of ``component``, of those wanted, the node takes now."""
        most = self._may_take(node, component, groups, wanted)
        return node.how_many(component.demand, most) if most > 0 else 0

    def _may_take(self, node: NodeRoom, component: Component, groups: Groups, wanted: int) -> int:
        """Return how many replicas, of those wanted, it would take if it had room now."""
        most = wanted
        if node.node.id in self._closed:
            return 0
        if component.host_ports:
            if not node.ports.isdisjoint(component.host_ports):
                return 0
            most = 1
        if component.max_per_node:
            held = groups.get((component.name, node.node.id), 0)
            most = min(most, component.max_per_node - held)
        for room in self._later:
            if most <= 0:
                return 0
            most = room.by_id[node.node.id].how_many(component.demand, most)
        return most

    def _take(self, node: NodeRoom, component: Component, groups: Groups, wanted: int) -> int:
        count = self._fits(node, component, groups, wanted)
        if count > 0:
            for room in (self._room, *self._later):
                room.take(node.node.id, component, count)
            key = (component.name, node.node.id)
            groups[key] = groups.get(key, 0) + count
        return max(0, count)

    def _emptiest(
        self, node: NodeRoom, component: Component, evened: Mapping[str, int]
    ) -> tuple[Any, ...]:
        value = evened[attribute(node.node, component.spread)] if component.spread else 0
        return (value, -node.memory, -node.cpu, node.node.id, node)


def at_home(execution: Execution, home: frozenset[NodeId]) -> Execution:
    """Return the execution with its colocated components kept on ``home``."""
    return replace(
        execution,
        components=tuple(
            replace(c, only_nodes=home) if c.is_colocated and c.only_nodes is None else c
            for c in execution.components
        ),
    )


def settled(execution: Execution, groups: Mapping[tuple[str, NodeId], int]) -> Execution:
    """Return the execution with its colocated components kept where they are."""
    if not execution.is_colocated:
        return execution
    colocated = {component.name for component in execution.components if component.is_colocated}
    home = frozenset(node for name, node in groups if name in colocated)
    return at_home(execution, home) if home else execution


def allocations(groups: Iterable[tuple[tuple[str, NodeId], int]]) -> tuple[Allocation, ...]:
    """Return groups in component and node order, without empty ones."""
    return tuple(
        Allocation(component=component, node=node, count=count)
        for (component, node), count in sorted(groups)
        if count
    )


def hardest_first(component: Component) -> tuple[bool, int, int, str]:
    """Those tied to a node before the free ones, then the large before the small."""
    demand = component.demand
    return (
        component.only_nodes is None,
        -demand.memory_bytes,
        -demand.cpu_millis,
        component.name,
    )


def _replicas_by_value(
    component: Component, groups: Mapping[tuple[str, NodeId], int], room: Room
) -> Counter[str]:
    """Count replicas by the value that their nodes have of the spread attribute."""
    counts: Counter[str] = Counter()
    if component.spread:
        for (name, node), count in groups.items():
            if name == component.name and node in room.by_id:
                counts[attribute(room.by_id[node].node, component.spread)] += count
    return counts


def _binpack(node: NodeRoom, _component: Component, homes: Collection[NodeId]) -> tuple[Any, ...]:
    """Nodes that hold part of the execution first, then the fullest."""
    return (node.node.id not in homes, node.memory, node.cpu, node.node.id)


def _spread(node: NodeRoom, _component: Component, homes: Collection[NodeId]) -> tuple[Any, ...]:
    """Nodes that hold nothing of the execution first, then the emptiest."""
    return (node.node.id in homes, -node.memory, -node.cpu, node.node.id)


def _least_waste(
    node: NodeRoom, component: Component, homes: Collection[NodeId]
) -> tuple[Any, ...]:
    """Where CPUs and memory run out most nearly together, so that neither is left stranded."""
    capacity, demand = node.node.capacity, component.demand
    cpu = (node.cpu - demand.cpu_millis) * capacity.memory_bytes
    memory = (node.memory - demand.memory_bytes) * capacity.cpu_millis
    return (node.node.id not in homes, abs(cpu - memory), node.memory, node.cpu, node.node.id)


_SCORES: Mapping[Score, Callable[[NodeRoom, Component, Collection[NodeId]], tuple[Any, ...]]] = {
    Score.BINPACK: _binpack,
    Score.SPREAD: _spread,
    Score.LEAST_WASTE: _least_waste,
}
