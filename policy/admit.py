"""Who starts: a gang of core components whole or not at all, and why the others wait."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

from policy import reasons
from policy.assignment import Claim, Claimant, Holding
from policy.model.decision import Reason, ReasonCode, Refusal
from policy.model.execution import Component, Execution, NodeId, Uid
from policy.model.resources import NOTHING, Resources
from policy.place import Force, Groups, Placer, at_home
from policy.rank import Key
from policy.reserve import Kept, kept_for_head, kept_for_windows
from policy.room import Room, emptied
from policy.round import Round, core_of
from policy.share import total
from policy.windows import Windows

MANY = 1_000_000


class Admission:
    """Starts executions one by one, and remembers why one couldn't start.

    Attributes:
        started: Who starts, in order.
        head: The first that waits for room.
    """

    def __init__(self, round_: Round, windows: Windows) -> None:
        self._round = round_
        self._windows = windows
        self.started: list[Holding] = []
        self.head: Execution | None = None
        self._why: dict[Uid, Reason | ReasonCode] = {}
        self._kept: list[Kept] = []
        if round_.snapshot.reservations:
            self._kept = kept_for_windows(round_.snapshot, round_.nodes, round_.settings)
        self._empty: Room | None = None
        self._places: dict[str, int] = {}
        self._no: dict[tuple[str, str], tuple[Refusal, ...]] = {}
        self._never: dict[tuple[str, str, int], Reason | None] = {}

    @property
    def somebody_waits(self) -> bool:
        """Whether anybody was refused for want of room."""
        return ReasonCode.NO_CAPACITY in self._why.values()

    def admit(self, execution: Execution, key: Key) -> Holding | None:
        """Start an execution, or note why not."""
        round_, asked = self._round, self._round.asked(execution)
        why = self._forbidden(asked)
        if why is not None:
            self._why[execution.uid] = why
            return None
        later = [kept.room for kept in self._kept if self._concerns(kept, asked)]
        groups = self._windows.within(execution, lambda: self._place(asked, key, later))
        if groups is None:
            self._why[execution.uid] = self._refused(asked, key, is_kept=bool(later))
            return None
        holding = Holding(execution, round_.ranking.running(execution))
        round_.assignment.holdings.append(holding)
        round_.assignment.note(holding, groups)
        round_.quotas.count(execution.namespace, 1)
        round_.ranking.started(execution)
        self.started.append(holding)
        return holding

    def holds_up(self, execution: Execution) -> bool:
        """Tell whether one that didn't start holds up those behind it; the first is the head.

        Room is kept for the head where the policy says so (where executions age, once it has).
        """
        code = self._why[execution.uid]
        if code not in (ReasonCode.NO_CAPACITY, ReasonCode.RESERVED, ReasonCode.FILLER_WAITS):
            return False
        if self.head is None and code is not ReasonCode.FILLER_WAITS:
            self.head = execution
            round_ = self._round
            has_a_right = not round_.rules.ages or round_.ranking.is_aged(execution)
            if round_.rules.reserves and has_a_right and code is ReasonCode.NO_CAPACITY:
                self._keep_for_head(self._round.asked(execution))
        return True

    def reason(self, execution: Execution) -> Reason:
        """Return why an execution waits, in words."""
        asked, known = self._round.asked(execution), self._why.get(execution.uid)
        if isinstance(known, Reason):
            return known
        if known is None and (never := self._forbidden(asked) or self._never_fits(asked)):
            return never
        if known is None and not asked.is_filler:
            return reasons.behind(self.head or execution)
        if known is ReasonCode.RESERVED:
            kept = next(k for k in reversed(self._kept) if self._concerns(k, asked))
            return reasons.reserved(asked, kept.name, kept.starts_ms)
        if known is ReasonCode.NEVER_FITS and (never := self._never_fits(asked)):
            return never
        found = self._refusals(asked)
        if asked.is_filler:
            return reasons.filler_waits(found)
        return reasons.no_capacity(asked, found, self._free)

    def _refusals(self, asked: Execution) -> tuple[Refusal, ...]:
        """Return every node's no once everybody was served; the same to all of a shape."""
        what = (asked.shape, asked.components[0].name)
        if what not in self._no:
            self._no[what] = reasons.refusals(asked, self._round.room)
        return self._no[what]

    @cached_property
    def _free(self) -> Resources:
        """What all nodes that are up have left together, once everybody was served."""
        rooms = (r for r in self._round.room if r.node.is_ready and r.node.is_active)
        return sum((room.free for room in rooms), NOTHING)

    def _forbidden(self, asked: Execution) -> Reason | None:
        """Return why it may not start whatever room there is."""
        return self._windows.refusal(asked) or self._round.quotas.refusal(asked, asked.core_demand)

    def _place(self, asked: Execution, key: Key, later: Sequence[Room]) -> Groups | None:
        """Place a core in free room, else in room that others have to give up."""
        round_ = self._round
        if round_.is_hopeless(asked, key):
            return None
        takes = round_.yields or round_.rules.takes_elastic or round_.rules.uses_idle
        for force in (None, self._force(asked, key)) if takes else (None,):
            placer = Placer(
                round_.room,
                score=round_.settings.score,
                later=later,
                force=force,
                closed=self._windows.closed_to(asked),
            )
            for variant in _variants(asked, placer):
                mark = round_.assignment.mark()
                groups: Groups = {}
                if placer.place_core(variant, groups):
                    if force is None or self._is_worth_it(asked, key, mark):
                        round_.forget_refusals(mark)
                        return groups
                    placer.give_back(variant, groups, {})
                round_.assignment.roll_back(mark)
        if not later and not self._windows.is_any:
            round_.note_refused(asked, key)
        return None

    def _force(self, asked: Execution, key: Key) -> Force:
        rules = self._round.rules
        tier, _ = key

        def elastic_of(holding: Holding, _component: Component, _node: NodeId) -> bool:
            if holding.execution.is_filler is not asked.is_filler:
                return holding.execution.is_filler  # which never takes from who is none
            return rules.uses_idle or (rules.takes_elastic and self._round.outranks(tier, holding))

        def whole_of(holding: Holding) -> bool:
            other = holding.execution
            if asked.is_filler or not other.is_preemptible:
                return False
            return other.is_filler or other.priority < asked.priority

        anybody = rules.uses_idle or self._round.quotas.guarantees
        below = None if anybody else tier
        claim = Claim(by=asked.uid, tier=below, elastic_of=elastic_of, whole_of=whole_of)
        return Claimant(self._round.assignment, claim)

    def _is_worth_it(self, asked: Execution, key: Key, mark: int) -> bool:
        """Tell whether a start that took from its betters makes the cluster fuller.

        The sum over resources of what is used, as a share of what there is, has to grow.
        """
        round_ = self._round
        if not round_.rules.uses_idle:
            return True
        tier, _ = key
        balance = total([asked.core_demand])
        took_from_betters = False
        for holding, component, count in round_.assignment.taken_back(mark):
            if not (round_.rules.takes_elastic and round_.outranks(tier, holding)):
                took_from_betters = True
            for name, amount in total([component.demand * count]).items():
                balance[name] = balance.get(name, 0) - amount
        whole = 1
        for amount in round_.capacity.values():
            whole *= amount
        gain = sum(a * (whole // round_.capacity.get(n, whole)) for n, a in balance.items())
        return gain > 0 or not took_from_betters

    def _refused(self, asked: Execution, key: Key, *, is_kept: bool) -> ReasonCode:
        """Return why a core found no place; the words are made when somebody asks."""
        if self._never_fits(asked) is not None:
            return ReasonCode.NEVER_FITS
        if is_kept and self._fits_now(asked, key):
            return ReasonCode.RESERVED
        return ReasonCode.FILLER_WAITS if asked.is_filler else ReasonCode.NO_CAPACITY

    def _fits_now(self, asked: Execution, key: Key) -> bool:
        """Tell whether it would start if nothing were kept for later."""
        mark = self._round.assignment.mark()
        groups = self._place(asked, key, ())
        if groups is None:
            return False
        Placer(self._round.room).give_back(asked, groups, {})
        self._round.assignment.roll_back(mark)
        return True

    def _never_fits(self, asked: Execution) -> Reason | None:
        """Return why even the empty cluster couldn't take a core; asked once for each shape."""
        # The name too, since the reason tells it.
        what = (asked.shape, asked.components[0].name, core_of(asked))
        if what not in self._never and not self._surely_fits(asked):
            room = self._emptied()
            groups: Groups = {}
            placer = Placer(room, score=self._round.settings.score)
            fits = any(placer.place_core(v, groups) for v in _variants(asked, placer))
            if fits:
                placer.give_back(asked, groups, {})
            self._never[what] = None if fits else reasons.never_fits(reasons.refusals(asked, room))
        return self._never.get(what)

    def _surely_fits(self, asked: Execution) -> bool:
        """Tell, at little cost, whether the empty cluster has room for a core of one component."""
        if len(asked.components) > 1:
            return False
        (part,) = asked.components
        if part.host_ports or part.max_per_node or part.is_colocated:
            return False
        places = self._places.get(asked.shape, 0)
        if places < part.core:
            places = 0
            for room in self._emptied().eligible(part):
                places += room.how_many(part.demand, MANY)
                if places >= part.core:  # a few nodes have room for most cores
                    break
            self._places[asked.shape] = places
        return part.core <= places

    def _emptied(self) -> Room:
        if self._empty is None:
            self._empty = emptied(self._round.nodes, headroom=self._round.settings.headroom)
        return self._empty

    def _keep_for_head(self, asked: Execution) -> None:
        round_ = self._round
        running = [
            replace(h.execution, allocations=h.allocations) if h.is_changed else h.execution
            for h in round_.assignment.holdings
            if not h.is_stopped and not h.execution.is_filler
        ]
        kept = kept_for_head(
            asked,
            running,
            round_.nodes,
            round_.settings,
            round_.now_ms,
            is_rigid=round_.rules.is_rigid,
        )
        self._kept.append(kept)

    def _concerns(self, kept: Kept, asked: Execution) -> bool:
        is_for_it = asked.is_filler or (asked.reservation and asked.reservation == kept.name)
        return not is_for_it and kept.concerns(asked, self._round.now_ms)


def _variants(asked: Execution, placer: Placer) -> list[Execution]:
    """Return the execution for every node on which its colocated components may begin."""
    homeless = [c for c in asked.components if c.is_colocated and c.only_nodes is None]
    if not homeless:
        return [asked]
    return [at_home(asked, frozenset({home})) for home in placer.homes(homeless)]
