"""Open windows of the calendar: what they keep is cleared, and only their users may have it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from policy.assignment import Claim, Claimant, Holding
from policy.model.decision import Reason, ReasonCode
from policy.model.execution import Component, Execution, NodeId, Uid
from policy.model.reservation import Reservation
from policy.place import Groups, Placer
from policy.reserve import fill, is_user, slots_used, stand_in, whole_nodes, window_of
from policy.round import Round

Result = TypeVar("Result")

_ALL = 1_000_000


class Windows:
    """The reservations whose window is open, or about to be."""

    def __init__(self, round_: Round) -> None:
        self._round = round_
        self._open: list[tuple[Reservation, Groups]] = []

    @property
    def is_any(self) -> bool:
        """Whether any window treats some differently from others."""
        return bool(self._open)

    def open(self) -> None:
        """Clear what is kept for windows that are open, or that open within the lead time.

        Elastic replicas and fillers of others go; a core stays until it ends.
        """
        round_ = self._round
        lead_ms = round_.settings.reservation_lead_ms
        for window in sorted(round_.snapshot.reservations, key=lambda r: (r.starts_ms, r.name)):
            if window.ends_ms <= round_.now_ms:
                continue
            if round_.wake_at(window.starts_ms - lead_ms):
                continue
            round_.wake_at(window.starts_ms)
            round_.wake_at(window.ends_ms)
            self._clear(window)

    def closed_to(self, execution: Execution) -> frozenset[NodeId]:
        """Return the nodes that open windows keep altogether for others."""
        if not self._open:
            return frozenset()
        return frozenset().union(
            *(
                whole_nodes(window, self._round.nodes)
                for window, _ in self._open
                if not is_user(window, execution)
            )
        )

    def within(self, execution: Execution, place: Callable[[], Result]) -> Result:
        """Let ``place`` use what is kept for the execution's window, then keep the rest."""
        for index, (window, kept) in enumerate(self._open):
            if is_user(window, execution) and window.slots:
                result, rest = self._lend(window, kept, place)
                self._open[index] = (window, rest)
                return result
        return place()

    def refusal(self, execution: Execution) -> Reason | None:
        """Return why an execution can't start in the reservation that it names, if it can't."""
        if not execution.reservation:
            return None
        window, is_open = window_of(self._round.snapshot, execution)
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

    def _clear(self, window: Reservation) -> None:
        round_ = self._round
        users = [h for h in round_.holdings if is_user(window, h.execution)]
        claim = Claim(
            by=Uid(""),
            tier=None,
            elastic_of=lambda other, _component, _node: other not in users,
            whole_of=lambda other: other.execution.is_filler and other not in users,
        )
        for node in sorted(whole_nodes(window, round_.nodes)):
            for holding in round_.holdings:
                self._clear_node(holding, node, claim)
        slots = window.slots - slots_used(window, (h.execution for h in users))
        keeper = stand_in(window, max(0, slots))
        groups = fill(keeper, round_.room)
        placer = Placer(round_.room, force=Claimant(round_.assignment, claim))
        for component in keeper.components:
            placer.place_by_force(component, groups, component.core - sum(groups.values()))
        self._open.append((window, groups))

    def _clear_node(self, holding: Holding, node: NodeId, claim: Claim) -> None:
        if holding.is_stopped or not any(n == node and c for (_, n), c in holding.groups.items()):
            return
        assignment = self._round.assignment
        for component in holding.execution.components:
            held = holding.groups.get((component.name, node), 0)
            count = min(held, holding.spare(component))
            if count > 0 and claim.elastic_of(holding, component, node):
                assignment.drop(holding, component, node, count)
        if claim.whole_of(holding):
            assignment.stop(holding, by=claim.by)

    def _lend(
        self, window: Reservation, kept: Groups, place: Callable[[], Result]
    ) -> tuple[Result, Groups]:
        """Free the kept slots, place, and keep as many again as weren't used."""
        room = self._round.room
        slots = sum(kept.values())
        (slot,) = stand_in(window, slots).components
        for (_, node), count in kept.items():
            room.take(node, slot, -count)
        before = self._slots_free(slot)
        result = place()
        after = self._slots_free(slot)
        left = max(0, min(after, slots - max(0, before - after)))
        return result, fill(stand_in(window, left), room)

    def _slots_free(self, slot: Component) -> int:
        return sum(node.how_many(slot.demand, _ALL) for node in self._round.room.eligible(slot))
