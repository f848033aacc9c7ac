"""How far those who run go beyond their core, and what they have to give back."""

from __future__ import annotations

import heapq
from collections.abc import Collection

from policy.assignment import Claim, Claimant, Holding
from policy.model.execution import Component, Execution, NodeId
from policy.place import Groups, Placer, settled
from policy.progress import speed
from policy.rank import Key, Tier, with_borrowing
from policy.round import Round
from policy.windows import Windows

SLACK_LASTS = 12
"""For how many times the regrow time one that had to give leaves slack when it grows again."""

WORTHWHILE = 500
"""A replica is given in turn if it gains half of what one of linear speed-up would."""


class Growth:
    """Gives and takes elastic replicas."""

    def __init__(self, round_: Round, windows: Windows) -> None:
        self._round = round_
        self._windows = windows
        self._looked_at = 0
        self._lowest_tier: Tier = ()
        # Slack is for who comes next; who has been refused already takes all that is free.
        self._somebody_waited = any(
            e.queued_ms < round_.now_ms and not e.is_filler for e in round_.queue.firsts()
        )

    def trim(self) -> None:
        """Take back what is over a maximum, and elastic replicas on nodes that are away."""
        round_ = self._round
        up = {n.id for n in round_.nodes if n.is_ready and n.is_active}
        for holding in round_.holdings:
            if holding.execution.is_over or not up.issuperset(holding.execution.nodes):
                for component in holding.execution.components:
                    self._trim(holding, component, up)

    def grow(self, holding: Holding) -> None:
        """Give one that runs the elastic replicas that it is due in its turn."""
        round_, execution = self._round, holding.execution
        if holding.groups is execution.groups and execution.is_full:
            return
        if not self._may_grow(holding):
            return
        for component in settled(execution, holding.groups).components:
            if component.is_revocable and not round_.rules.is_rigid:
                wanted = _worthwhile(component) - holding.counts.get(component.name, 0)
                self._add(holding, component, wanted)

    def give_what_is_left(self, *, somebody_waits: bool) -> None:
        """Give what can't be taken back, and what is left to where it gains most.

        What can't be taken back isn't given while anybody waits for room.
        """
        round_ = self._round
        is_rigid = round_.rules.is_rigid
        special = [h for h in round_.assignment.holdings if is_rigid or h.execution.is_special]
        if not somebody_waits:
            for holding in sorted(special, key=lambda h: h.key):
                if self._may_grow(holding):
                    for component in settled(holding.execution, holding.groups).components:
                        if is_rigid or not component.is_revocable:
                            held = holding.counts.get(component.name, 0)
                            self._add(holding, component, component.maximum - held)
        self._grow_by_gain(special)

    def _trim(self, holding: Holding, component: Component, up: Collection[NodeId]) -> None:
        """The smallest groups go first, so that few nodes stay in use; ties go by node."""
        mine = [group for group in holding.groups.items() if group[0][0] == component.name]
        groups = sorted((count, node) for (_, node), count in mine)
        for held, node in groups:
            if node not in up:
                over = holding.counts[component.name] - component.core
                self._drop(holding, component, node, min(held, over))
        for _, node in groups:
            over = holding.counts[component.name] - component.maximum
            held = holding.groups[component.name, node]
            self._drop(holding, component, node, min(held, over))

    def _drop(self, holding: Holding, component: Component, node: NodeId, count: int) -> None:
        if count > 0:
            self._round.assignment.drop(holding, component, node, count)

    def _may_grow(self, holding: Holding) -> bool:
        """Nobody grows who ends, or who lost replicas so lately that they would go to and fro."""
        execution = holding.execution
        if holding.is_stopped or not execution.is_growable:
            return False
        shrunk_ms = execution.shrunk_ms
        return shrunk_ms is None or not self._round.wake_at(
            shrunk_ms + self._round.settings.regrow_ms
        )

    def _add(self, holding: Holding, component: Component, wanted: int) -> None:
        """Add up to ``wanted`` replicas, in free room first, then in what others have to give."""
        round_, execution = self._round, holding.execution
        wanted = round_.quotas.fits(execution.namespace, component, wanted)
        if self._leaves_slack(execution):
            wanted = min(wanted, self._beyond_slack(component))
        if wanted <= 0 or round_.is_exhausted(component):
            return
        mark = round_.assignment.mark()
        before = {k: n for k, n in holding.groups.items() if k[0] == component.name}
        groups = dict(before)
        placed = self._windows.within(
            execution, lambda: self._place(holding, component, groups, wanted)
        )
        round_.forget_refusals(mark)
        added = {k: n - before.get(k, 0) for k, n in groups.items() if n > before.get(k, 0)}
        if added:
            round_.assignment.note(holding, added)
        if placed < wanted and not component.max_per_node and not self._windows.is_any:
            round_.note_exhausted(component)

    def _place(self, holding: Holding, component: Component, groups: Groups, wanted: int) -> int:
        round_ = self._round
        closed = self._windows.closed_to(holding.execution)
        placed = Placer(round_.room, closed=closed).place_elastic(component, groups, wanted)
        missing = wanted - placed
        if (
            missing
            and self._gains_enough(holding, component, placed, missing)
            and (self._finds_victims(holding))
        ):
            force = Claimant(round_.assignment, self._claim(holding))
            placer = Placer(round_.room, closed=closed, force=force)
            placed += placer.place_by_force(component, groups, missing)
        return placed

    def _leaves_slack(self, execution: Execution) -> bool:
        """Tell whether it had to give replicas back not long ago, and may have to again."""
        round_, shrunk_ms = self._round, execution.shrunk_ms
        if shrunk_ms is None or self._somebody_waited:
            return False
        return round_.wake_at(shrunk_ms + SLACK_LASTS * round_.settings.regrow_ms)

    def _beyond_slack(self, component: Component) -> int:
        """Return how many replicas leave the slack free that those who shrank leave to others."""
        round_, counts = self._round, []
        slack = round_.settings.slack_permille
        for name, free, need in (
            ("cpu", round_.room.free_cpu, component.demand.cpu_millis),
            ("memory", round_.room.free_memory, component.demand.memory_bytes),
        ):
            if need > 0:
                counts.append((free * 1000 - round_.capacity.get(name, 0) * slack) // (need * 1000))
        return min(counts, default=component.maximum) if slack else component.maximum

    def _claim(self, holding: Holding) -> Claim:
        taker = holding.execution

        def elastic_of(other: Holding, component: Component, node: NodeId) -> bool:
            if other is holding:
                return False
            if other.execution.is_filler and not taker.is_filler:
                return True
            return (
                self._round.rules.takes_elastic
                and self._outranks(holding, component, other)
                and not self._is_fresh(other, component, node, taker)
            )

        return Claim(
            by=taker.uid,
            tier=None if self._round.quotas.guarantees else holding.tier,
            elastic_of=elastic_of,
            whole_of=lambda other: other.execution.is_filler and not taker.is_filler,
        )

    def _outranks(self, holding: Holding, component: Component, other: Holding) -> bool:
        round_, tier = self._round, holding.tier
        if round_.rules.shares and round_.quotas.guarantees:
            borrows = round_.quotas.borrows(holding.execution.namespace, component.demand)
            tier = with_borrowing(tier, borrows)
        return round_.outranks(tier, other)

    def _is_fresh(
        self, other: Holding, component: Component, node: NodeId, taker: Execution
    ) -> bool:
        """Tell whether a grant hasn't run for as long as it may at least.

        A higher priority class needn't wait for that, and what is only planned isn't running.
        """
        grown_ms = other.execution.grown_ms
        if grown_ms is None or other.gained(component.name, node) > 0:
            return False
        if other.execution.priority < taker.priority:
            return False
        return self._round.wake_at(grown_ms + self._round.settings.grant_ms)

    def _finds_victims(self, holding: Holding) -> bool:
        """Tell, at little cost, whether anybody might rank lower and have something to give."""
        round_ = self._round
        if not (round_.yields or round_.rules.takes_elastic):
            return False
        return round_.quotas.guarantees or self._lowest() > holding.tier

    def _lowest(self) -> Tier:
        """Return the lowest rank of all that can give, whether they have anything left or not."""
        holdings = self._round.assignment.holdings
        for other in holdings[self._looked_at :]:
            if other.can_give and other.tier > self._lowest_tier:
                self._lowest_tier = other.tier
        self._looked_at = len(holdings)
        return self._lowest_tier

    def _gains_enough(
        self, holding: Holding, component: Component, placed: int, missing: int
    ) -> bool:
        """Tell whether what is missing is worth taking from others.

        It always is for one that has just started: most of its replicas are missing then.
        """
        least = self._round.settings.gain_permille
        if not least or not holding.execution.is_admitted:
            return True
        counts = dict(holding.counts)
        counts[component.name] = counts.get(component.name, 0) + placed
        slow = speed(holding.execution, counts)
        counts[component.name] += missing
        return (speed(holding.execution, counts) - slow) * 1000 >= slow * least

    def _grow_by_gain(self, special: Collection[Holding]) -> None:
        """Give what is left, one replica at a time, to where it gains most."""
        heap = [
            _gain(holding, component)
            for holding in special
            for component in holding.execution.components
            if component.speedup and component.is_revocable and self._may_grow(holding)
        ]
        heapq.heapify(heap)
        while heap:
            loss, _, name, holding = heapq.heappop(heap)
            if loss >= 0:
                break
            component = settled(holding.execution, holding.groups).by_name[name]
            held = holding.counts.get(name, 0)
            self._add(holding, component, 1)
            if holding.counts.get(name, 0) > held:
                heapq.heappush(heap, _gain(holding, component))


def _worthwhile(component: Component) -> int:
    """Return up to how many replicas each gains enough to be given in turn."""
    if not component.speedup:
        return component.maximum
    count = component.core
    while count < component.maximum and (
        component.speed(count + 1) - component.speed(count) >= WORTHWHILE
    ):
        count += 1
    return count


def _gain(holding: Holding, component: Component) -> tuple[int, Key, str, Holding]:
    """Return an entry of a heap: what one more replica gains, the most first."""
    held = holding.counts.get(component.name, 0)
    gain = component.speed(held + 1) - component.speed(held) if held < component.maximum else 0
    return (-gain, holding.key, component.name, holding)
