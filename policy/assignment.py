"""The assignment that a decision works out: who holds what, and who may take it from whom.

It begins with what everybody holds now. Replicas are added and taken back in it, nothing of which
happens before the decision is carried out; only the difference to what is held now is decided.
"""

from __future__ import annotations

from bisect import insort
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from policy.bounds import Bounds
from policy.model.execution import Allocation, Component, Execution, NodeId, Uid
from policy.place import Groups, allocations
from policy.quota import Quotas
from policy.rank import Key, Tier
from policy.room import NodeRoom, Room


class Holding:
    """What one admitted execution holds in the assignment."""

    __slots__ = ("counts", "execution", "groups", "is_stopped", "key", "tier")

    def __init__(self, execution: Execution, key: Key) -> None:
        self.execution = execution
        self.key = key
        self.tier, _ = key
        self.is_stopped = False
        self.groups: Groups = execution.groups  # both are copied before they are changed
        self.counts: dict[str, int] = execution.held

    def add(self, component: Component, node: NodeId, count: int) -> None:
        """Add replicas (a negative count takes them away)."""
        if self.groups is self.execution.groups:
            self.groups, self.counts = dict(self.groups), dict(self.counts)
        key = (component.name, node)
        self.groups[key] = self.groups.get(key, 0) + count
        self.counts[component.name] = self.counts.get(component.name, 0) + count

    def spare(self, component: Component) -> int:
        """Return how many replicas can be taken back; their core never."""
        return component.spare(self.counts.get(component.name, 0))

    @property
    def can_give(self) -> bool:
        """Whether it is of a kind that anything can be taken from."""
        return self.execution.is_preemptible or self.execution.is_elastic

    @property
    def is_changed(self) -> bool:
        """Whether it holds something else than before."""
        before = self.execution.groups
        return self.groups is not before and any(
            n != before.get(k, 0) for k, n in self.groups.items()
        )

    @property
    def allocations(self) -> tuple[Allocation, ...]:
        """What it holds, in component and node order."""
        return allocations(self.groups.items())

    def gained(self, component: str, node: NodeId) -> int:
        """Return how many replicas it has there that it doesn't hold yet outside of this plan."""
        key = (component, node)
        return self.groups.get(key, 0) - self.execution.groups.get(key, 0)


Yielding = tuple[tuple[int, ...], int, Key]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Who asks for room, and what they may take for it.

    Only those of tiers below ``tier`` give at all (None: any may). ``elastic_of`` tells from whom
    one may take elastic replicas; ``whole_of`` whom one may stop.
    """

    by: Uid
    tier: Tier | None
    elastic_of: Callable[[Holding, Component, NodeId], bool]
    whole_of: Callable[[Holding], bool]


class Claimant:
    """A claim on an assignment, in the form in which placing asks for room."""

    def __init__(self, assignment: Assignment, claim: Claim) -> None:
        self._assignment = assignment
        self._claim = claim

    def stages(self) -> Sequence[Claimant]:
        """Return the claim on fillers alone, where any run, before the claim on everybody.

        Else a filler on one node would outlast elastic replicas on another.
        """
        if not self._assignment.has_fillers:
            return (self,)
        whole = self._claim
        on_fillers = Claim(
            by=whole.by,
            tier=whole.tier,
            elastic_of=lambda h, part, node: (
                h.execution.is_filler and whole.elastic_of(h, part, node)
            ),
            whole_of=lambda h: h.execution.is_filler and whole.whole_of(h),
        )
        return (Claimant(self._assignment, on_fillers), self)

    def worth_asking(self, rooms: Iterable[NodeRoom], component: Component) -> list[NodeRoom]:
        """Return, at little cost, the nodes on which it may be of use to ask."""
        return self._assignment.worth_asking(rooms, component, self._claim)

    def make_room(self, node: NodeRoom, component: Component) -> bool:
        """Free room for one replica on a node; False, and nothing is taken, if that can't be."""
        return self._assignment.make_room(node, component, self._claim)


class Assignment:
    """Holdings and the room that they leave, with a journal, so that a try can be undone.

    Room and quotas are charged with what the holdings hold before. ``yields`` is the key by which
    they give: the greatest first.
    """

    def __init__(
        self,
        room: Room,
        quotas: Quotas,
        holdings: Sequence[Holding],
        yields: Callable[[Holding], Yielding],
    ) -> None:
        self.room = room
        self.quotas = quotas
        self._yields = yields
        self.holdings = list(holdings)
        self.has_fillers = any(holding.execution.is_filler for holding in holdings)
        self.preempted: dict[Uid, Uid] = {}
        self._journal: list[tuple[Holding, Component | None, NodeId, int]] = []
        self._victims: dict[NodeId, list[Holding]] | None = None
        self._bounds: defaultdict[NodeId, Bounds] = defaultdict(Bounds)

    def note(self, holding: Holding, placed: Mapping[tuple[str, NodeId], int]) -> None:
        """Note replicas that were placed, with the room charged, on top of what it holds."""
        nodes = {node for _, node in holding.groups}
        for (name, node), count in placed.items():
            component = holding.execution.by_name[name]
            holding.add(component, node, count)
            self.quotas.charge(holding.execution.namespace, component.demand, count)
            self._journal.append((holding, component, node, count))
        if self._victims is not None and holding.can_give:
            for node in sorted({node for _, node in placed} - nodes):
                insort(self._victims.setdefault(node, []), holding, key=self._yields)
            self._note_most(holding, placed)

    def drop(self, holding: Holding, component: Component, node: NodeId, count: int) -> None:
        """Take replicas back."""
        self.room.take(node, component, -count)
        holding.add(component, node, -count)
        self.quotas.charge(holding.execution.namespace, component.demand, -count)
        self._journal.append((holding, component, node, -count))

    def stop(self, holding: Holding, *, by: Uid) -> None:
        """Take everything from a holding."""
        for (name, node), count in list(holding.groups.items()):
            if count:
                self.drop(holding, holding.execution.by_name[name], node, count)
        holding.is_stopped = True
        self.quotas.count(holding.execution.namespace, -1)
        self.preempted[holding.execution.uid] = by
        self._journal.append((holding, None, NodeId(""), 0))

    def mark(self) -> int:
        """Return the point to :meth:`roll_back` to."""
        return len(self._journal)

    def roll_back(self, mark: int) -> None:
        """Undo everything since ``mark``."""
        if len(self._journal) == mark:
            return
        while len(self._journal) > mark:
            holding, component, node, count = self._journal.pop()
            if component is None:
                holding.is_stopped = False
                self.quotas.count(holding.execution.namespace, 1)
                del self.preempted[holding.execution.uid]
            else:
                holding.add(component, node, -count)
                self.quotas.charge(holding.execution.namespace, component.demand, -count)
                self.room.take(node, component, -count)
        self.room.tighten()

    def taken_back(self, mark: int) -> Iterable[tuple[Holding, Component, int]]:
        """Yield what was taken from others since ``mark``."""
        for holding, component, _, count in self._journal[mark:]:
            if component is not None and count < 0:
                yield holding, component, -count

    def worth_asking(
        self, rooms: Iterable[NodeRoom], component: Component, claim: Claim
    ) -> list[NodeRoom]:
        """Return the nodes where all that anybody could give would be enough for a replica."""
        self._by_node()
        bounds, tier = self._bounds, claim.tier
        need_cpu, need_memory = component.demand.cpu_millis, component.demand.memory_bytes
        found = []
        for node in rooms:
            known = bounds.get(node.node.id)
            cpu, memory = known.most(tier) if known else (0, 0)
            # A dimension in which nothing is asked never refuses.
            if (
                (not need_cpu or need_cpu <= node.cpu + cpu)
                and (not need_memory or need_memory <= node.memory + memory)
                and node.ports.isdisjoint(component.host_ports)
            ):
                found.append(node)
        return found

    def make_room(self, node: NodeRoom, component: Component, claim: Claim) -> bool:
        """Free room for one replica on a node, from the worst rank upwards.

        Elastic replicas and fillers first, other whole executions only where those aren't enough;
        nothing is taken if all of it together wouldn't do.
        """
        if not node.ports.isdisjoint(component.host_ports):
            return False
        if node.how_many(component.demand, 1):
            return True
        mark, tier = self.mark(), claim.tier
        worst_first = [
            holding
            for holding in reversed(self._by_node().get(node.node.id, ()))
            if tier is None or holding.tier > tier
        ]
        for holding in worst_first:
            if not holding.is_stopped and self._take_elastic(node, component, claim, holding):
                return True
        for holding in worst_first:
            if holding.is_stopped or not holding.execution.is_preemptible:
                continue
            is_freed = self._take_whole(claim, holding, is_filler=False)
            if is_freed and node.how_many(component.demand, 1):
                return True
        self.roll_back(mark)
        return False

    def _take_elastic(
        self, node: NodeRoom, component: Component, claim: Claim, holding: Holding
    ) -> bool:
        """Take elastic replicas of one holding, and all of it where it is a filler.

        Returns whether there is room now.
        """
        for victim in holding.execution.components:
            held = holding.groups.get((victim.name, node.node.id), 0)
            most = held and min(held, holding.spare(victim))
            if not most or not claim.elastic_of(holding, victim, node.node.id):
                continue
            count = min(most, _needed(node, component, victim))
            if count > 0:
                self.drop(holding, victim, node.node.id, count)
                if node.how_many(component.demand, 1):
                    return True
        if holding.execution.is_filler and self._take_whole(claim, holding, is_filler=True):
            return node.how_many(component.demand, 1) > 0
        return False

    def _take_whole(self, claim: Claim, holding: Holding, *, is_filler: bool) -> bool:
        if holding.execution.is_filler is not is_filler or not claim.whole_of(holding):
            return False
        self.stop(holding, by=claim.by)
        return True

    def _by_node(self) -> dict[NodeId, list[Holding]]:
        """Index who holds something on a node that could be taken, in the order of rank."""
        if self._victims is None:
            self._victims = {}
            givers = [holding for holding in self.holdings if holding.can_give]
            for holding in sorted(givers, key=self._yields):
                for node in {node for _, node in holding.groups}:
                    self._victims.setdefault(node, []).append(holding)
                self._note_most(holding, holding.groups)
        return self._victims

    def _note_most(self, holding: Holding, groups: Mapping[tuple[str, NodeId], int]) -> None:
        """Add to the most that could be taken on each node."""
        execution, tier, bounds = holding.execution, holding.tier, self._bounds
        # Of most it is what they held before, and known from decision to decision.
        is_as_before = groups is execution.groups
        gives = execution.gives if is_as_before else execution.could_give(groups, holding.counts)
        for node, cpu, memory in gives:
            bounds[node].add(tier, cpu, memory)


def _needed(node: NodeRoom, wanted: Component, victim: Component) -> int:
    """Return how many of the victim's replicas make up for what is missing; 0 if none helps."""
    give = victim.demand
    most = 0
    for need, free, gives in (
        (wanted.demand.cpu_millis, node.cpu, give.cpu_millis),
        (wanted.demand.memory_bytes, node.memory, give.memory_bytes),
    ):
        if need > 0 and need > free and gives > 0:
            most = max(most, -((free - need) // gives))
    if wanted.demand.generic:
        gives_generic = dict(give.generic)
        for name, need in wanted.demand.generic:
            free, gives = node.generic.get(name, 0), gives_generic.get(name, 0)
            if need > free and gives > 0:
                most = max(most, -((free - need) // gives))
    return most
