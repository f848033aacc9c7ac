"""The one question of the scheduler: ``decide(snapshot, settings) -> Decision``.

Pure and total. Three stages: order the queue, admit gangs, place them; then elastic components
take what is left. Deciding again on an unchanged snapshot changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from policy.admit import admit_in_order, emptied
from policy.elastic import grow_in_order, trim
from policy.model.cluster import Node, Snapshot
from policy.model.decision import Decision, ReasonCode, Resize, Start
from policy.model.execution import Allocation, Constraint, Uid
from policy.order import by_arrival
from policy.place import Room, satisfies
from policy.settings import PolicySettings


def decide(snapshot: Snapshot, settings: PolicySettings) -> Decision:
    """Return who starts, grows and waits.

    ``fifo``: the queue is served strictly in order of priority and arrival; its head blocks.
    Elastic replicas are given to admitted executions in the same order, but not while somebody
    waits for room, since a grant isn't taken back.
    """
    nodes = eligible_nodes(snapshot.nodes, settings.node_selector)
    room = Room(nodes, headroom=settings.headroom)
    admitted = by_arrival(e for e in snapshot.executions if e.is_admitted)
    held = {execution.uid: trim(execution) for execution in admitted}
    for execution in admitted:
        room.charge(execution, held[execution.uid])
    waiting = by_arrival(e for e in snapshot.executions if not e.is_admitted)
    starts, waits = admit_in_order(
        waiting, room, emptied=emptied(nodes, headroom=settings.headroom)
    )
    grown: dict[Uid, tuple[Allocation, ...]] = {}
    if not any(wait.reason.code is ReasonCode.NO_CAPACITY for wait in waits):
        by_uid = {execution.uid: execution for execution in waiting}
        candidates = [(e, held[e.uid]) for e in admitted if e.is_growable]
        candidates += [(by_uid[start.uid], start.allocations) for start in starts]
        grown = {e.uid: groups for e, groups in grow_in_order(candidates, room)}
    held |= grown
    return Decision(
        starts=_with(starts, grown),
        resizes=tuple(
            Resize(uid=e.uid, allocations=held[e.uid])
            for e in admitted
            if held[e.uid] != e.allocations
        ),
        waits=tuple(waits),
    )


def eligible_nodes(nodes: Sequence[Node], selector: Sequence[Constraint]) -> tuple[Node, ...]:
    """Return the nodes that the platform gives to executions, by id."""
    matching = [n for n in nodes if all(satisfies(n, constraint) for constraint in selector)]
    return tuple(sorted(matching, key=lambda n: n.id))


def _with(starts: Sequence[Start], grown: dict[Uid, tuple[Allocation, ...]]) -> tuple[Start, ...]:
    return tuple(
        replace(start, allocations=grown.get(start.uid, start.allocations)) for start in starts
    )
