"""Who may start: a gang of core components, all or nothing, in the given order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from policy.model.cluster import Node
from policy.model.decision import Reason, ReasonCode, Refusal, Start, Wait
from policy.model.execution import Component, Execution
from policy.model.resources import Resources, format_resources
from policy.place import Room, place_core


def admit_in_order(
    waiting: Sequence[Execution], room: Room, *, emptied: Room
) -> tuple[list[Start], list[Wait]]:
    """Start executions from the head of the queue until one doesn't fit; that one blocks.

    An execution that wouldn't fit even on the empty cluster is passed over, so that a request
    nobody can meet doesn't stop everybody. ``room`` is charged with what starts.

    Args:
        waiting: In the order of the queue.
        room: What is free now.
        emptied: The same nodes with nothing on them, all of them up.
    """
    starts: list[Start] = []
    waits: list[Wait] = []
    head: Execution | None = None
    never_fits = _memo(emptied)
    hopeless: dict[tuple[Component, ...], Reason] = {}
    for execution in waiting:
        # Room only shrinks here: what found none a moment ago needn't be tried again.
        reason = hopeless.get(execution.components)
        if reason is None and head is not None:
            reason = never_fits(execution) or _behind(head)
        elif reason is None:
            groups, refusals = place_core(execution, room)
            if groups:
                starts.append(Start(uid=execution.uid, allocations=groups))
                continue
            reason = never_fits(execution)
            if reason is None:
                head, reason = execution, _no_capacity(execution, refusals)
            else:
                hopeless[execution.components] = reason
        waits.append(Wait(uid=execution.uid, position=len(waits) + 1, reason=reason))
    return starts, waits


def _memo(emptied: Room) -> Callable[[Execution], Reason | None]:
    """Ask once for each shape of request: a queue is mostly the same request many times."""
    known: dict[tuple[Component, ...], Reason | None] = {}

    def never_fits(execution: Execution) -> Reason | None:
        if execution.components not in known:
            known[execution.components] = _never_fits(execution, emptied)
        return known[execution.components]

    return never_fits


def _never_fits(execution: Execution, emptied: Room) -> Reason | None:
    groups, refusals = place_core(execution, emptied)
    if groups:
        emptied.give_back(execution, groups)
        return None
    if not refusals:
        return Reason(code=ReasonCode.NO_NODES, message="the cluster has no nodes")
    return Reason(
        code=ReasonCode.NEVER_FITS,
        message=f"doesn't fit even on the empty cluster: {summary(refusals)}",
        refusals=refusals,
    )


def _no_capacity(execution: Execution, refusals: tuple[Refusal, ...]) -> Reason:
    return Reason(
        code=ReasonCode.NO_CAPACITY,
        message=f"waits for {format_resources(execution.core_demand)}: {summary(refusals)}",
        refusals=refusals,
    )


def _behind(head: Execution) -> Reason:
    return Reason(
        code=ReasonCode.BEHIND_IN_QUEUE,
        message=f"{head.namespace}/{head.name} is first in the queue and waits for room",
    )


def summary(refusals: Sequence[Refusal]) -> str:
    """Return one sentence that names each node with its no to the component in question."""
    if not refusals:
        return "no node takes it"
    told = [f"{refusal.hostname} {refusal.message}" for refusal in refusals[:3]]
    if len(refusals) > len(told):
        told.append(f"{len(refusals) - len(told)} more nodes refuse")
    return f"{refusals[0].component}: " + ", ".join(told)


def emptied(nodes: Sequence[Node], *, headroom: Resources) -> Room:
    """Return the room of the nodes as if all were up and nothing ran on them."""
    return Room(
        (
            replace(
                node,
                reserved=Resources(),
                taken_ports=frozenset(),
                is_ready=True,
                is_active=True,
            )
            for node in nodes
        ),
        headroom=headroom,
    )
