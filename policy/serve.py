"""One decision being made: everybody is served in the order of rank.

Who runs grows, who waits starts, each taking what is free and, where the policy lets it, elastic
replicas of those who rank lower. The core of an execution starts whole or not at all.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import replace

from policy import reasons
from policy.assignment import Assignment, Claim, Claimant, Holding
from policy.model.cluster import Node, Snapshot
from policy.model.decision import Reason, ReasonCode, Wait
from policy.model.execution import Component, Execution, NodeId, Uid
from policy.model.reservation import Reservation
from policy.place import Force, Groups, Placer, at_home, settled
from policy.progress import speed
from policy.quota import Quotas
from policy.rank import BORROWING, Key, Ranking, Rules, rules_of
from policy.reserve import (
    Kept,
    fill,
    is_user,
    kept_for_head,
    kept_for_windows,
    slots_used,
    stand_in,
    whole_nodes,
    window_of,
)
from policy.room import Room, emptied
from policy.settings import Policy, PolicySettings
from policy.share import total

# A replica is worth its place in turn if it gains half of what a linear one would.
WORTHWHILE = 500


class Round:
    """The state of a decision: room, holdings, what is kept for later, and why others wait."""

    def __init__(self, snapshot: Snapshot, nodes: Sequence[Node], settings: PolicySettings) -> None:
        self.snapshot = snapshot
        self.nodes = nodes
        self.settings = settings
        self.rules: Rules = rules_of(settings)
        self.now_ms = snapshot.now_ms
        self.capacity = total(node.capacity for node in nodes)
        self.quotas = Quotas(snapshot.tenants)
        self.room = Room(nodes, headroom=settings.headroom)
        running = [e for e in snapshot.executions if e.is_admitted]
        self._charge(running)
        self.ranking = Ranking(snapshot, settings, self.quotas, self.capacity)
        self.holdings = [Holding(e, self.ranking.running(e)) for e in running]
        self.assignment = Assignment(self.room, self.quotas, self.holdings)
        keys = [(self.ranking.waiting(e), e) for e in snapshot.executions if not e.is_admitted]
        self.waiting = [(key, e, key) for key, e in keys]
        self.started: list[Holding] = []
        self.why: dict[Uid, Reason | ReasonCode] = {}
        self.head: Execution | None = None
        self.wakes: list[int] = []
        self._kept = kept_for_windows(snapshot, nodes, settings) if snapshot.reservations else []
        self._open: list[tuple[Reservation, Groups]] = []
        self._takes = any(e.is_filler or e.is_preemptible for e in running)
        self._refused_whole: set[tuple[Component, ...]] = set()
        self._refused_from: dict[tuple[object, ...], int] = {}
        self._exhausted: set[tuple[object, ...]] = set()
        self._empty: Room | None = None
        self._never: dict[tuple[Component, ...], Reason | None] = {}

    def _charge(self, running: Sequence[Execution]) -> None:
        for execution in running:
            self.room.charge(execution)
            if self.quotas.is_any:
                self.quotas.count(execution.namespace, 1)
                for _, demand in execution.load:
                    self.quotas.charge(execution.namespace, demand, 1)

    def serve(self) -> None:
        """Serve everybody once."""
        away = {n.id for n in self.nodes if not (n.is_ready and n.is_active)}
        for holding in self.holdings:
            if holding.execution.is_over or any(
                node in away or node not in self.room.by_id for node, _ in holding.execution.load
            ):
                self._trim(holding)
        self._open_windows()
        growing = [(holding.key, holding) for holding in self.holdings]
        heapq.heapify(growing)
        waiting = list(self.waiting)
        heapq.heapify(waiting)
        misses = 0
        while growing or (waiting and misses <= self._depth):
            is_turn_of_waiting = waiting and misses <= self._depth
            if growing and not (is_turn_of_waiting and waiting[0][0] < growing[0][0]):
                self._grow(heapq.heappop(growing)[1])
                continue
            key, execution, right = heapq.heappop(waiting)
            now = self.ranking.waiting(execution)
            if now > key:  # its namespace has just started another one
                heapq.heappush(waiting, (now, execution, right))
                continue
            # What starts meanwhile decides who is next, but gives and takes no rights that the
            # next round wouldn't.
            started = self._admit(execution, right)
            if started is not None:
                heapq.heappush(growing, (started.key, started))
            elif self._blocks(execution):
                misses += 1
        self._grow_what_stays()
        self._wake_for_ageing()

    @property
    def _depth(self) -> int:
        return self.settings.backfill_depth if self.rules.skips else 0

    # -- who waits ------------------------------------------------------------------------------

    def _admit(self, execution: Execution, key: Key) -> Holding | None:
        """Start an execution, or note why not."""
        why = self._outside_window(execution) or self.quotas.refusal(
            execution, self._asked(execution).core_demand
        )
        if why is not None:
            self.why[execution.uid] = why
            return None
        asked = self._asked(execution)
        groups = self._in_window(execution, lambda: self._place(asked, key))
        if groups is None:
            is_kept = self._fits_but_for_what_is_kept(asked, key)
            self.why[execution.uid] = self._refused(asked, is_kept=is_kept)
            self._keep_for(execution, asked)
            return None
        holding = Holding(execution, self.ranking.running(execution))
        self.assignment.holdings.append(holding)
        self.assignment.note(holding, groups)
        self.quotas.count(execution.namespace, 1)
        self.ranking.started(execution)
        self.started.append(holding)
        return holding

    def _fits_but_for_what_is_kept(self, asked: Execution, key: Key) -> bool:
        if not any(self._concerns(kept, asked) for kept in self._kept):
            return False
        mark = self.assignment.mark()
        groups = self._place(asked, key, later=())
        if groups is None:
            return False
        Placer(self.room).give_back(asked, groups, {})
        self.assignment.roll_back(mark)
        return True

    def _place(
        self, asked: Execution, key: Key, *, later: Sequence[Room] | None = None
    ) -> Groups | None:
        """Place a core in free room, else in room that others have to give up."""
        if self._is_hopeless(asked):
            return None
        if later is None:
            later = [kept.room for kept in self._kept if self._concerns(kept, asked)]
        for is_forced in (False, True) if self._may_take(key) else (False,):
            force = self._claim_core(asked, key) if is_forced else None
            placer = Placer(
                self.room,
                score=self.settings.score,
                later=later,
                force=force,
                closed=self._closed_to(asked),
            )
            for variant in _variants(asked, placer):
                mark = self.assignment.mark()
                groups: Groups = {}
                if placer.place_core(variant, groups):
                    if not is_forced or self._is_worth_it(asked, key, mark):
                        self._note_freed(mark)
                        return groups
                    placer.give_back(variant, groups, {})
                self.assignment.roll_back(mark)
        if not later and not self._open:
            self._note_hopeless(asked)
        return None

    def _is_hopeless(self, asked: Execution) -> bool:
        """Tell whether as much of the same was refused a moment ago: room only shrinks here."""
        if len(asked.components) > 1:
            return asked.components in self._refused_whole
        (part,) = asked.components
        return part.core >= self._refused_from.get(_kind(part), part.core + 1)

    def _note_hopeless(self, asked: Execution) -> None:
        if len(asked.components) > 1:
            self._refused_whole.add(asked.components)
        else:
            (part,) = asked.components
            kind = _kind(part)
            self._refused_from[kind] = min(part.core, self._refused_from.get(kind, part.core))

    def _note_freed(self, mark: int) -> None:
        """Forget refusals once somebody gave more than was needed, perhaps."""
        if any(True for _ in self.assignment.taken_back(mark)):
            self._refused_whole.clear()
            self._refused_from.clear()
            self._exhausted.clear()

    def _may_take(self, key: Key) -> bool:
        """Tell whether there may be anybody to take from."""
        return self._takes or self.rules.takes_elastic or self.rules.uses_idle

    def _claim_core(self, asked: Execution, key: Key) -> Force:
        def elastic_of(holding: Holding, _component: Component, _node: NodeId) -> bool:
            if holding.execution.is_filler and not asked.is_filler:
                return True
            return self.rules.uses_idle or (
                self.rules.takes_elastic and self._outranks(key, asked, holding)
            )

        def whole_of(holding: Holding) -> bool:
            other = holding.execution
            if asked.is_filler or not (other.is_filler or other.is_preemptible):
                return False
            return other.is_filler or other.priority < asked.priority

        claim = Claim(by=asked.uid, elastic_of=elastic_of, whole_of=whole_of)
        return Claimant(self.assignment, claim)

    def _is_worth_it(self, asked: Execution, key: Key, mark: int) -> bool:
        """Tell whether a start that took from its betters makes the cluster fuller."""
        if not self.rules.uses_idle:
            return True
        balance = dict(total([asked.core_demand]))
        outranked = True
        for holding, component, count in self.assignment.taken_back(mark):
            outranked = outranked and (
                self.rules.takes_elastic and self._outranks(key, asked, holding)
            )
            for name, amount in total([component.demand * count]).items():
                balance[name] = balance.get(name, 0) - amount
        if outranked:
            return True
        whole = 1
        for amount in self.capacity.values():
            whole *= amount
        return sum(a * (whole // self.capacity.get(n, whole)) for n, a in balance.items()) > 0

    def _outranks(self, key: Key, execution: Execution, holding: Holding) -> bool:
        """Tell whether who asks may take elastic replicas from a holding."""
        mine, other = key[0], holding.key[0]
        if self.settings.policy is Policy.FAIR and self.quotas.guarantees:
            other = _with_borrowing(other, self.quotas.borrows(holding.execution.namespace))
        return mine < other

    def _refused(self, asked: Execution, *, is_kept: bool) -> ReasonCode:
        """Return why a core found no place; the words are made when somebody asks."""
        if self.never_fits(asked) is not None:
            return ReasonCode.NEVER_FITS
        if is_kept:
            return ReasonCode.RESERVED
        return ReasonCode.FILLER_WAITS if asked.is_filler else ReasonCode.NO_CAPACITY

    def _told(self, asked: Execution, code: ReasonCode) -> Reason:
        match code:
            case ReasonCode.RESERVED:
                kept = next(k for k in reversed(self._kept) if self._concerns(k, asked))
                return reasons.reserved(asked, kept.name, kept.starts_ms)
            case ReasonCode.FILLER_WAITS:
                return reasons.filler_waits(asked, reasons.refusals(asked, self.room))
            case ReasonCode.NO_CAPACITY:
                return reasons.no_capacity(asked, reasons.refusals(asked, self.room))
            case _:
                return self.never_fits(asked) or reasons.behind(asked)

    def never_fits(self, asked: Execution) -> Reason | None:
        """Return why even the empty cluster couldn't take a core; asked once for each shape."""
        if asked.components not in self._never:
            if self._empty is None:
                self._empty = emptied(self.nodes, headroom=self.settings.headroom)
            groups: Groups = {}
            placer = Placer(self._empty, score=self.settings.score)
            fits = any(placer.place_core(v, groups) for v in _variants(asked, placer))
            if fits:
                placer.give_back(asked, groups, {})
            self._never[asked.components] = (
                None if fits else reasons.never_fits(reasons.refusals(asked, self._empty))
            )
        return self._never[asked.components]

    def _blocks(self, execution: Execution) -> bool:
        """Tell whether one that didn't start holds up those behind it (in part, if they skip)."""
        code = self.why[execution.uid]
        if code not in (ReasonCode.NO_CAPACITY, ReasonCode.RESERVED, ReasonCode.FILLER_WAITS):
            return False
        if self.head is None and code is not ReasonCode.FILLER_WAITS:
            self.head = execution
        return True

    def _keep_for(self, execution: Execution, asked: Execution) -> None:
        """Keep room for the first that doesn't fit (with ``fair`` once it has aged)."""
        if not self.rules.reserves or self.head is not None:
            return
        if self.why[execution.uid] is not ReasonCode.NO_CAPACITY:
            return
        if self.settings.policy is Policy.FAIR and not self.ranking.is_aged(execution):
            return
        running = [
            replace(h.execution, allocations=h.allocations) if h.is_changed else h.execution
            for h in self.assignment.holdings
            if not h.is_stopped and not h.execution.is_filler
        ]
        self._kept.append(
            kept_for_head(
                asked,
                running,
                self.nodes,
                self.settings,
                self.now_ms,
                is_rigid=self.rules.is_rigid,
            )
        )

    def _concerns(self, kept: Kept, asked: Execution) -> bool:
        return (
            not asked.is_filler
            and asked.reservation != kept.name
            and kept.concerns(asked, self.now_ms)
        )

    # -- who runs -------------------------------------------------------------------------------

    def _trim(self, holding: Holding) -> None:
        """Take back what is over the maximum, and elastic replicas on nodes that are away.

        The smallest groups go first, so that few nodes stay in use; ties go by node.
        """
        for component in holding.execution.components:
            count = holding.counts.get(component.name, 0)
            if count <= component.core:
                continue
            groups = [g for g in holding.groups.items() if g[0][0] == component.name]
            for (_, node), held in groups:
                if not self._is_up(node):
                    away = min(held, holding.counts[component.name] - component.core)
                    self._drop(holding, component, node, away)
            for (_, node), _ in sorted(groups, key=lambda g: (g[1], g[0][1]), reverse=False):
                over = holding.counts[component.name] - component.maximum
                held = holding.groups.get((component.name, node), 0)
                self._drop(holding, component, node, min(over, held))

    def _drop(self, holding: Holding, component: Component, node: NodeId, count: int) -> None:
        if count > 0:
            self.assignment.drop(holding, component, node, count)

    def _is_up(self, node: NodeId) -> bool:
        room = self.room.by_id.get(node)
        return room is not None and room.node.is_ready and room.node.is_active

    def _grow(self, holding: Holding) -> None:
        """Give one that runs the elastic replicas that it is due in its turn."""
        execution = holding.execution
        if holding.groups is execution.groups and execution.is_full:
            return
        if holding.is_stopped or not execution.is_growable or self._is_cooling(execution):
            return
        mark, before = self.assignment.mark(), dict(holding.counts)
        for component in settled(execution, holding.groups).components:
            if component.is_revocable and not self.rules.is_rigid:
                wanted = _worthwhile(component) - holding.counts.get(component.name, 0)
                if wanted > 0:
                    self._add(holding, component, wanted)
        if self._gains_too_little(execution, before, holding.counts):
            self.assignment.roll_back(mark)

    def _add(self, holding: Holding, component: Component, wanted: int) -> None:
        execution = holding.execution
        wanted = self.quotas.fits(execution.namespace, component, wanted)
        if wanted <= 0 or _kind(component) in self._exhausted:
            return
        mark = self.assignment.mark()
        before = {k: n for k, n in holding.groups.items() if k[0] == component.name}
        groups = dict(before)

        def place() -> Groups:
            free = Placer(self.room, closed=self._closed_to(execution))
            placed = free.place_elastic(component, groups, wanted)
            if placed < wanted and self._finds_victims(holding):
                forced = Placer(
                    self.room,
                    force=self._claim_elastic(holding),
                    closed=self._closed_to(execution),
                )
                forced.place_by_force(component, groups, wanted - placed)
            return groups

        self._in_window(execution, place)
        self._note_freed(mark)
        added = {k: n - before.get(k, 0) for k, n in groups.items() if n > before.get(k, 0)}
        if added:
            self.assignment.note(holding, added)
        if sum(added.values()) < wanted and not component.max_per_node and not self._open:
            self._exhausted.add(_kind(component))

    def _claim_elastic(self, holding: Holding) -> Force:
        taker = holding.execution

        def elastic_of(other: Holding, component: Component, node: NodeId) -> bool:
            if other is holding:
                return False
            if other.execution.is_filler and not taker.is_filler:
                return True
            return (
                self.rules.takes_elastic
                and self._may_take_for_growth(holding, component, other)
                and not self._is_fresh(other, component, node, taker)
            )

        claim = Claim(
            by=taker.uid,
            elastic_of=elastic_of,
            whole_of=lambda other: other.execution.is_filler and not taker.is_filler,
        )
        return Claimant(self.assignment, claim)

    def _may_take_for_growth(self, holding: Holding, component: Component, other: Holding) -> bool:
        tier = holding.key[0]
        if self.settings.policy is Policy.FAIR and self.quotas.guarantees:
            borrows = self.quotas.borrows(holding.execution.namespace, component.demand)
            tier = _with_borrowing(tier, borrows)
        return self._outranks((tier, holding.key[1]), holding.execution, other)

    def _is_fresh(
        self, other: Holding, component: Component, node: NodeId, taker: Execution
    ) -> bool:
        """Tell whether a grant hasn't run for as long as it may at least."""
        grown_ms = other.execution.grown_ms
        if grown_ms is None or other.gained(component.name, node) > 0:
            return False
        if other.execution.priority < taker.priority:
            return False
        until_ms = grown_ms + self.settings.grant_ms
        if until_ms <= self.now_ms:
            return False
        self.wakes.append(until_ms)
        return True

    def _finds_victims(self, holding: Holding) -> bool:
        """Tell whether anybody ranks lower and has something to give."""
        if not (self._takes or self.rules.takes_elastic):
            return False
        if self.quotas.guarantees:
            return True
        return any(
            other.key[0] > holding.key[0] and not other.is_stopped and other.has_spare
            for other in self.assignment.holdings
        )

    def _is_cooling(self, execution: Execution) -> bool:
        """Tell whether it lost replicas so lately that it gets no new ones yet."""
        if execution.shrunk_ms is None:
            return False
        until_ms = execution.shrunk_ms + self.settings.regrow_ms
        if until_ms <= self.now_ms:
            return False
        self.wakes.append(until_ms)
        return True

    def _gains_too_little(
        self, execution: Execution, before: Mapping[str, int], after: Mapping[str, int]
    ) -> bool:
        least = self.settings.gain_permille
        if not least or before == after:
            return False
        slow, fast = speed(execution, before), speed(execution, after)
        return (fast - slow) * 1000 < slow * least

    def _grow_what_stays(self) -> None:
        """Give out what is left: to where a replica gains most, and what can't be taken back.

        What can't be taken back isn't given while anybody waits for room.
        """
        special = [h for h in self.assignment.holdings if h.execution.is_special]
        if not special and not self.rules.is_rigid:
            return
        somebody_waits = ReasonCode.NO_CAPACITY in self.why.values()
        for holding in sorted(self.assignment.holdings, key=lambda h: h.key):
            execution = holding.execution
            if holding.is_stopped or not execution.is_growable or self._is_cooling(execution):
                continue
            for component in settled(execution, holding.groups).components:
                stays = not component.is_revocable or self.rules.is_rigid
                wanted = component.maximum - holding.counts.get(component.name, 0)
                if wanted > 0 and stays and not somebody_waits:
                    self._add(holding, component, wanted)
        self._grow_by_gain()

    def _grow_by_gain(self) -> None:
        """Give what is left one replica at a time to where it gains most."""
        heap = [
            self._gain(holding, component)
            for holding in self.assignment.holdings
            for component in holding.execution.components
            if component.speedup and component.is_revocable and not holding.is_stopped
        ]
        heapq.heapify(heap)
        while heap:
            gain, _, name, holding = heapq.heappop(heap)
            execution = holding.execution
            if gain >= 0 or not execution.is_growable or self._is_cooling(execution):
                continue
            component = settled(execution, holding.groups).by_name[name]
            held = holding.counts.get(name, 0)
            self._add(holding, component, 1)
            if holding.counts.get(name, 0) > held:
                heapq.heappush(heap, self._gain(holding, component))

    @staticmethod
    def _gain(holding: Holding, component: Component) -> tuple[int, Key, str, Holding]:
        held = holding.counts.get(component.name, 0)
        if held >= component.maximum:
            return (0, holding.key, component.name, holding)
        gain = component.speed(held + 1) - component.speed(held)
        return (-gain, holding.key, component.name, holding)

    # -- the calendar ---------------------------------------------------------------------------

    def _open_windows(self) -> None:
        """Clear what is kept for windows that are open, or about to."""
        soon_ms = self.now_ms + self.settings.reservation_lead_ms
        for reservation in sorted(self.snapshot.reservations, key=lambda r: (r.starts_ms, r.name)):
            if reservation.ends_ms <= self.now_ms:
                continue
            if reservation.starts_ms > soon_ms:
                self.wakes.append(reservation.starts_ms - self.settings.reservation_lead_ms)
                continue
            self.wakes.append(
                reservation.ends_ms
                if reservation.starts_ms <= self.now_ms
                else reservation.starts_ms
            )
            self._clear(reservation)

    def _clear(self, reservation: Reservation) -> None:
        users = [h for h in self.holdings if is_user(reservation, h.execution)]
        claim = Claim(
            by=Uid(""),
            elastic_of=lambda other, _component, _node: other not in users,
            whole_of=lambda other: other.execution.is_filler and other not in users,
        )
        for node in whole_nodes(reservation, self.nodes):
            for holding in self.holdings:
                self._clear_node(holding, node, claim)
        slots = reservation.slots - slots_used(reservation, (h.execution for h in users))
        keeper = stand_in(reservation, max(0, slots))
        groups: Groups = {}
        placer = Placer(
            self.room,
            force=Claimant(self.assignment, claim),
        )
        for component in keeper.components:
            placer.place_replicas(component, groups)
        self._open.append((reservation, groups))

    def _clear_node(self, holding: Holding, node: NodeId, claim: Claim) -> None:
        if holding.is_stopped or not any(n == node and c for (_, n), c in holding.groups.items()):
            return
        for component in holding.execution.components:
            if claim.elastic_of(holding, component, node):
                held = holding.groups.get((component.name, node), 0)
                self._drop(holding, component, node, min(held, holding.spare(component)))
        if claim.whole_of(holding):
            self.assignment.stop(holding, by=claim.by)

    def _closed_to(self, execution: Execution) -> frozenset[NodeId]:
        """Return nodes that an open window keeps for others."""
        if not self._open:
            return frozenset()
        return frozenset().union(
            *(
                whole_nodes(reservation, self.nodes)
                for reservation, _ in self._open
                if not is_user(reservation, execution)
            )
        )

    def _in_window(self, execution: Execution, place):  # type: ignore[no-untyped-def]
        """Let ``place`` use what is kept for the execution's reservation, then keep the rest."""
        for index, (reservation, kept) in enumerate(self._open):
            if not is_user(reservation, execution) or not reservation.slots:
                continue
            keeper = stand_in(reservation, sum(kept.values()))
            slot = keeper.components[0]
            for (_, node), count in kept.items():
                self.room.take(node, slot, -count)
            free = self.room_for(slot)
            placed = place()
            left = min(sum(kept.values()), self.room_for(slot))
            used = max(0, free - self.room_for(slot))
            rest = stand_in(reservation, max(0, min(left, sum(kept.values()) - used)))
            self._open[index] = (reservation, fill(rest, self.room))
            return placed
        return place()

    def room_for(self, component: Component) -> int:
        """Return how many replicas of a component all nodes together have room for."""
        return sum(
            node.how_many(component.demand, 1_000_000) for node in self.room.eligible(component)
        )

    def _outside_window(self, execution: Execution) -> Reason | None:
        if not execution.reservation:
            return None
        window, is_open = window_of(self.snapshot, execution)
        if is_open:
            return None
        name = execution.reservation
        if window is None:
            return Reason(
                code=ReasonCode.NO_RESERVATION,
                message=f"there is no reservation {name} for namespace {execution.namespace}",
                blocks=name,
            )
        return Reason(
            code=ReasonCode.OUTSIDE_RESERVATION,
            message=f"waits for the window of reservation {name}",
            blocks=name,
            until_ms=window.starts_ms,
        )

    # -- what comes out -------------------------------------------------------------------------

    def waits(self) -> tuple[Wait, ...]:
        """Return the queue in order, each with its reason."""
        started = {holding.execution.uid for holding in self.started}
        line = [e for _, e, _ in sorted(self.waiting) if e.uid not in started]
        return tuple(
            Wait(uid=e.uid, position=position, reason=self._why(e))
            for position, e in enumerate(line, start=1)
        )

    def _why(self, execution: Execution) -> Reason:
        known = self.why.get(execution.uid)
        asked = self._asked(execution)
        if known is not None:
            return known if isinstance(known, Reason) else self._told(asked, known)
        outside = self._outside_window(execution)
        refused = outside or self.quotas.refusal(execution, asked.core_demand)
        return refused or self.never_fits(asked) or reasons.behind(self.head or execution)

    def _wake_for_ageing(self) -> None:
        if self.settings.policy is not Policy.FAIR:
            return
        self.wakes += [
            e.queued_ms + self.settings.ageing_ms
            for _, e, _ in self.waiting
            if not e.is_filler and e.queued_ms + self.settings.ageing_ms > self.now_ms
        ]

    def _asked(self, execution: Execution) -> Execution:
        """Return the execution with everything that it needs to start as its core."""
        if not self.rules.is_rigid:
            return execution
        if all(component.core == component.maximum for component in execution.components):
            return execution
        return replace(
            execution,
            components=tuple(replace(c, core=c.maximum) for c in execution.components),
        )


def _variants(asked: Execution, placer: Placer) -> list[Execution]:
    """Return the execution for every node on which its colocated components may begin."""
    homeless = [c for c in asked.components if c.is_colocated and c.only_nodes is None]
    if not homeless:
        return [asked]
    return [at_home(asked, frozenset({home})) for home in placer.homes(homeless)]


def _kind(component: Component) -> tuple[object, ...]:
    """Return what decides where a replica may go and what it takes there."""
    return (
        component.demand,
        component.constraints,
        component.only_nodes,
        component.host_ports,
        component.max_per_node,
    )


def _worthwhile(component: Component) -> int:
    """Return up to how many replicas each gains enough to be given in turn."""
    count = component.core
    while count < component.maximum and (
        not component.speedup or component.speed(count + 1) - component.speed(count) >= WORTHWHILE
    ):
        count += 1 if component.speedup else component.maximum - count
    return count


def _with_borrowing(tier: tuple[int, ...], borrows: bool) -> tuple[int, ...]:
    return (*tier[:BORROWING], int(borrows), *tier[BORROWING + 1 :])
