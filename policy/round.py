"""The state of a decision in the making, shared by those who admit, grow and clear windows."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from policy.assignment import Assignment, Holding
from policy.model.cluster import Node, Snapshot
from policy.model.execution import Component, Execution
from policy.queue import Queue
from policy.quota import Quotas
from policy.rank import NO_KEY, Key, Ranking, Tier, rules_of, with_borrowing
from policy.room import Room
from policy.settings import PolicySettings
from policy.share import total


class Round:
    """Room, quotas and holdings, charged with what everybody holds when it begins.

    Attributes:
        queue: Who waits.
        wakes: Times at which a clock alone may change the answer.
        yields: Whether there is anybody who may be stopped whole.
    """

    def __init__(self, snapshot: Snapshot, nodes: Sequence[Node], settings: PolicySettings) -> None:
        self.snapshot = snapshot
        self.nodes = nodes
        self.settings = settings
        self.now_ms = snapshot.now_ms
        self.rules = rules_of(settings)
        self.capacity = total(node.capacity for node in nodes)
        self.quotas = Quotas(snapshot.tenants)
        self.room = Room(nodes, headroom=settings.headroom)
        running: list[Execution] = []
        waiting: list[Execution] = []
        for execution in snapshot.executions:
            (running if execution.allocations else waiting).append(execution)
        for execution in running:
            self._charge(execution)
        ranking = self.ranking = Ranking(
            settings, self.now_ms, running, snapshot.tenants, self.quotas, self.capacity
        )
        self.queue = Queue(waiting, self.ranking)
        self.holdings = [
            Holding(e, self.ranking.running(e) if _is_ranked(e) else NO_KEY) for e in running
        ]
        self.assignment = Assignment(
            self.room,
            self.quotas,
            self.holdings,
            lambda holding: ranking.yielding(holding.execution, holding.key),
        )
        self.wakes: list[int] = []
        self.yields = any(e.is_preemptible for e in itertools.chain(running, self.queue.firsts()))
        self._refused: dict[str, tuple[int, Key]] = {}
        self._exhausted: set[object] = set()

    def asked(self, execution: Execution) -> Execution:
        """Return the execution with everything that it needs to start as its core."""
        return execution.rigid if self.rules.is_rigid else execution

    def outranks(self, tier: Tier, holding: Holding) -> bool:
        """Tell whether who asks from ``tier`` may take elastic replicas from a holding."""
        other = holding.tier
        if self.rules.shares and self.quotas.guarantees:
            other = with_borrowing(other, self.quotas.borrows(holding.execution.namespace))
        return tier < other

    def wake_at(self, at_ms: int) -> bool:
        """Note a time to come; tell whether it is still to come."""
        if at_ms <= self.now_ms:
            return False
        self.wakes.append(at_ms)
        return True

    # Room only shrinks while everybody is served in the order of rank, so what found none a
    # moment ago needn't be tried again. It is forgotten whenever somebody gave room up, since
    # that may have been more than was needed.

    def is_hopeless(self, asked: Execution, key: Key) -> bool:
        """Tell whether as much of the same was refused to somebody no worse."""
        known = self._refused.get(asked.shape)
        return known is not None and core_of(asked) >= known[0] and key >= known[1]

    def note_refused(self, asked: Execution, key: Key) -> None:
        """Remember that a core found no room."""
        self._refused[asked.shape] = (core_of(asked), key)

    def is_exhausted(self, component: Component) -> bool:
        """Tell whether somebody no worse had no room to grow by a replica of this kind."""
        return kind(component) in self._exhausted

    def note_exhausted(self, component: Component) -> None:
        """Remember that a replica found no room."""
        self._exhausted.add(kind(component))

    def forget_refusals(self, mark: int) -> None:
        """Forget what was refused if anybody gave room up since ``mark``."""
        if any(True for _ in self.assignment.taken_back(mark)):
            self._refused.clear()
            self._exhausted.clear()

    def _charge(self, execution: Execution) -> None:
        self.room.charge(execution)
        if self.quotas.is_any:
            self.quotas.count(execution.namespace, 1)
            for _, demand in execution.load:
                self.quotas.charge(execution.namespace, demand, 1)


def _is_ranked(execution: Execution) -> bool:
    """Tell whether what runs could grow or give; the others need no key."""
    return execution.is_elastic or execution.is_preemptible or not execution.is_full


def kind(component: Component) -> tuple[object, ...]:
    """Return what decides where a replica may go and what it takes there."""
    return (
        component.demand,
        component.constraints,
        component.only_nodes,
        component.host_ports,
        component.max_per_node,
    )


def core_of(asked: Execution) -> int:
    """Return how many replicas are core, which is part of the shape where there are several."""
    return asked.components[0].core if len(asked.components) == 1 else 0
