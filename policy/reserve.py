"""Room that is kept for later: for the calendar's reservations and for who has waited longest.

Until its time comes, kept room is open to whoever is gone by then; elastic replicas and fillers
don't count, since they can be taken back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from policy.model.cluster import Node, Snapshot
from policy.model.execution import ApplicationType, Component, Execution, NodeId, Uid
from policy.model.reservation import Reservation
from policy.place import Groups, Placer
from policy.progress import speed
from policy.room import Room, satisfies
from policy.settings import PolicySettings
from policy.share import amounts_of, total


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Room at a time to come, with what is kept then already charged.

    ``starts_ms`` None: nobody knows when, so that nobody is gone by then.
    """

    name: str
    starts_ms: int | None
    room: Room
    trusts_estimates: bool

    def concerns(self, execution: Execution, now_ms: int) -> bool:
        """Tell whether an execution that starts now would still be there."""
        if self.starts_ms is None:
            return True
        ends_ms = _ends_if_started(execution, now_ms, trusts_estimates=self.trusts_estimates)
        return ends_ms is None or ends_ms > self.starts_ms


def window_of(snapshot: Snapshot, execution: Execution) -> tuple[Reservation | None, bool]:
    """Return the window of the reservation that an execution names, and whether it is open.

    None: there is no such reservation, or it isn't for this namespace.
    """
    mine = [
        r
        for r in snapshot.reservations
        if r.name == execution.reservation
        and r.ends_ms > snapshot.now_ms
        and (not r.namespaces or execution.namespace in r.namespaces)
    ]
    window = min(mine, key=lambda r: r.starts_ms, default=None)
    return window, window is not None and window.starts_ms <= snapshot.now_ms


def is_user(reservation: Reservation, execution: Execution) -> bool:
    """Tell whether an execution may use what a reservation keeps."""
    return execution.reservation == reservation.name and (
        not reservation.namespaces or execution.namespace in reservation.namespaces
    )


def stand_in(reservation: Reservation, slots: int) -> Execution:
    """Return an execution whose core is ``slots`` slots of a reservation."""
    slot = Component(
        name="slot",
        core=slots,
        maximum=slots,
        demand=reservation.slot,
        constraints=reservation.constraints,
    )
    return Execution(
        uid=Uid(f"reservation {reservation.name}"),
        namespace="",
        name=reservation.name,
        type=ApplicationType.STREAMING,
        components=(slot,),
        queued_ms=reservation.starts_ms,
    )


def whole_nodes(reservation: Reservation, nodes: Sequence[Node]) -> frozenset[NodeId]:
    """Return the nodes that a reservation without slots keeps altogether."""
    if reservation.slots:
        return frozenset()
    return frozenset(
        node.id for node in nodes if all(satisfies(node, c) for c in reservation.constraints)
    )


def slots_used(reservation: Reservation, users: Iterable[Execution]) -> int:
    """Return how many slots' worth of resources its users hold."""
    held = total(demand for user in users for _, demand in user.load)
    slot = dict(amounts_of(reservation.slot))
    return max((-(-held.get(name, 0) // amount) for name, amount in slot.items()), default=0)


def kept_for_windows(
    snapshot: Snapshot, nodes: Sequence[Node], settings: PolicySettings
) -> list[Kept]:
    """Return the room at the start of every window to come."""
    soon_ms = snapshot.now_ms + settings.reservation_lead_ms
    found = []
    for reservation in sorted(snapshot.reservations, key=lambda r: (r.starts_ms, r.name)):
        if reservation.starts_ms <= soon_ms or reservation.ends_ms <= snapshot.now_ms:
            continue
        room = Room(nodes, headroom=settings.headroom)
        for execution in snapshot.executions:
            if execution.is_admitted and not execution.is_filler:
                ends_ms = execution.ends_ms
                if ends_ms is None or ends_ms > reservation.starts_ms:
                    room.charge_core(execution)
        for node in whole_nodes(reservation, nodes):
            room.close(node)
        fill(stand_in(reservation, reservation.slots), room)
        found.append(
            Kept(
                name=reservation.name,
                starts_ms=reservation.starts_ms,
                room=room,
                trusts_estimates=False,
            )
        )
    return found


def kept_for_head(
    head: Execution,
    running: Iterable[Execution],
    nodes: Sequence[Node],
    settings: PolicySettings,
    now_ms: int,
    *,
    is_rigid: bool,
) -> Kept:
    """Return the room at the time when ``head`` can start, as far as is known (EASY backfill).

    Under a rigid policy nothing is taken back, so elastic replicas stand in the way as core does.
    """
    room = Room(nodes, headroom=settings.headroom)
    charge = room.charge if is_rigid else room.charge_core
    ends: list[tuple[int, Uid, Execution]] = []
    for execution in running:
        charge(execution)
        ends_ms = expected_end(execution, now_ms)
        if ends_ms is not None:
            ends.append((ends_ms, execution.uid, execution))
    placer = Placer(room, score=settings.score)
    starts_ms: int | None = None
    for ends_ms, _, execution in sorted(ends):
        charge(execution, -1)
        if placer.place_core(head, {}):
            starts_ms = ends_ms
            break
    return Kept(
        name=f"{head.namespace}/{head.name}",
        starts_ms=starts_ms,
        room=room,
        trusts_estimates=True,
    )


def expected_end(execution: Execution, now_ms: int) -> int | None:
    """Return when what runs is expected to end at the latest; None if nobody knows."""
    if execution.estimate is None:
        return execution.ends_ms
    rate = max(1, speed(execution, execution.held))
    left_ms = execution.remaining_ms(now_ms) * execution.full_speed // rate
    expected_ms = now_ms + left_ms
    return expected_ms if execution.ends_ms is None else min(expected_ms, execution.ends_ms)


def fill(keeper: Execution, room: Room) -> Groups:
    """Place as much of a reservation's stand-in as there is room for.

    In the order of the nodes, however full they are: what is kept stays where it is while others
    come and go.
    """
    groups: Groups = {}
    for component in keeper.components:
        left = component.core
        for node in room.eligible(component):
            count = node.how_many(component.demand, left)
            if count:
                room.take(node.node.id, component, count)
                groups[component.name, node.node.id] = count
                left -= count
    return groups


def _ends_if_started(execution: Execution, now_ms: int, *, trusts_estimates: bool) -> int | None:
    ends = [] if execution.lifetime_ms is None else [now_ms + execution.lifetime_ms]
    if trusts_estimates and execution.estimate is not None:
        ends.append(now_ms + execution.remaining_ms(now_ms))
    return min(ends, default=None)
