"""Why an execution waits: each node's no by the filter that said it, and in one sentence.

The filters run in a fixed order and the first one that refuses a node gives the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from policy.model.decision import Reason, ReasonCode, Refusal
from policy.model.execution import Component, Execution, NodeId
from policy.model.resources import Resources, format_amount, format_resources
from policy.place import Groups, Placer, hardest_first
from policy.room import NodeRoom, Room, attribute, satisfies

Filter = Callable[[NodeRoom, Component, Mapping[tuple[str, NodeId], int]], str]
"""Returns "" for yes, else why not, in words."""


def _state(room: NodeRoom, _component: Component, _groups: object) -> str:
    return "" if room.node.is_ready else "is down"


def _drain(room: NodeRoom, _component: Component, _groups: object) -> str:
    return "" if room.node.is_active else "is drained or paused"


def _constraints(room: NodeRoom, component: Component, _groups: object) -> str:
    for constraint in component.constraints:
        if not satisfies(room.node, constraint):
            actual = attribute(room.node, constraint.attribute)
            return f"{constraint} isn't met ({_shown(actual)})"
    return ""


def _storage(room: NodeRoom, component: Component, _groups: object) -> str:
    if component.only_nodes is None or room.node.id in component.only_nodes:
        return ""
    return "doesn't hold the namespace's storage"


def _max_per_node(
    room: NodeRoom, component: Component, groups: Mapping[tuple[str, NodeId], int]
) -> str:
    held = groups.get((component.name, room.node.id), 0)
    if component.max_per_node and held >= component.max_per_node:
        return f"has {held} of at most {component.max_per_node} replicas per node"
    return ""


def _ports(room: NodeRoom, component: Component, _groups: object) -> str:
    taken = sorted(set(component.host_ports) & room.ports)
    return f"port {taken[0][0]}/{taken[0][1]} is taken" if taken else ""


def _resources(room: NodeRoom, component: Component, _groups: object) -> str:
    missing = component.demand.shortfall(room.free)
    return "; ".join(
        f"needs {format_amount(name, need)}, {format_amount(name, max(0, free))} free"
        for name, need, free in missing
    )


FILTERS: Mapping[str, Filter] = {
    "state": _state,
    "drain": _drain,
    "constraints": _constraints,
    "storage": _storage,
    "max-per-node": _max_per_node,
    "ports": _ports,
    "resources": _resources,
}


def refusals(execution: Execution, room: Room) -> tuple[Refusal, ...]:
    """Return every node's no to the first component of the core that finds no place.

    Empty if the core has a place (or there are no nodes). Leaves ``room`` as it was.
    """
    homeless = [c for c in execution.components if c.is_colocated and c.only_nodes is None]
    share = sum(component.core for component in homeless) > 1
    together = frozenset(c.name for c in homeless) if share else frozenset()
    groups: Groups = {}
    placer = Placer(room)
    found: tuple[Refusal, ...] = ()
    for component in sorted(execution.components, key=hardest_first):
        if placer.place_replicas(component, groups) < component.core:
            found = tuple(
                no for node in room if (no := refusal(node, component, groups, room)) is not None
            )
            break
    else:
        if together:
            found = tuple(_apart(node, together) for node in room)
    placer.give_back(execution, groups, {})
    return tuple(sorted(found, key=lambda no: (no.hostname, no.node)))


def no_capacity(execution: Execution, found: Sequence[Refusal], free: Resources) -> Reason:
    """Return the reason of one that waits for room; ``free`` is what all nodes have together.

    Without a shortfall there is enough in all, but not on the nodes that could take it.
    """
    missing = execution.core_demand.shortfall(free)
    return Reason(
        code=ReasonCode.NO_CAPACITY,
        message=f"waits for {format_resources(execution.core_demand)}: {summary(found)}",
        refusals=tuple(found),
        shortfall=tuple((name, need - max(0, have)) for name, need, have in missing),
    )


def never_fits(found: Sequence[Refusal]) -> Reason:
    """Return the reason of one that even the empty cluster couldn't take."""
    if not found:
        return Reason(code=ReasonCode.NO_NODES, message="the cluster has no nodes")
    return Reason(
        code=ReasonCode.NEVER_FITS,
        message=f"doesn't fit even on the empty cluster: {summary(found)}",
        refusals=tuple(found),
    )


def behind(head: Execution) -> Reason:
    """Return the reason of those behind one that waits for room."""
    name = f"{head.namespace}/{head.name}"
    return Reason(
        code=ReasonCode.BEHIND_IN_QUEUE,
        message=f"{name} is first in the queue and waits for room",
        blocks=name,
    )


def reserved(execution: Execution, name: str, until_ms: int | None) -> Reason:
    """Return the reason of one whose room is kept for somebody."""
    return Reason(
        code=ReasonCode.RESERVED,
        message=(
            f"waits for {format_resources(execution.core_demand)}: "
            f"the room that is left is kept for {name}, and it may not be gone by then"
        ),
        blocks=name,
        until_ms=until_ms,
    )


def filler_waits(found: Sequence[Refusal]) -> Reason:
    """Return the reason of a filler."""
    return Reason(
        code=ReasonCode.FILLER_WAITS,
        message=f"runs only in what others leave: {summary(found)}",
        refusals=tuple(found),
    )


def summary(found: Sequence[Refusal]) -> str:
    """Return one sentence that names each node with its no to the component in question."""
    if not found:
        return "no node takes it"
    told = [f"{refusal.hostname} {refusal.message}" for refusal in found[:3]]
    if len(found) > len(told):
        told.append(f"{len(found) - len(told)} more nodes refuse")
    return f"{found[0].component}: " + ", ".join(told)


def brief(reason: Reason) -> str:
    """Return a reason in a few words, for a line of a table."""
    lacks = ", ".join(format_amount(name, amount) for name, amount in reason.shortfall)
    match reason.code:
        case ReasonCode.NO_CAPACITY if lacks:
            return f"lacks {lacks}"
        case ReasonCode.NO_CAPACITY:
            names = sorted({refused.component for refused in reason.refusals})
            return f"no node has room for {', '.join(names)}" if names else "no node has room"
        case ReasonCode.NEVER_FITS:
            names = sorted({refused.component for refused in reason.refusals})
            is_size = all(refused.filter == "resources" for refused in reason.refusals)
            return f"no node {'is large enough for' if is_size else 'may take'} {', '.join(names)}"
        case ReasonCode.BEHIND_IN_QUEUE:
            return f"behind {reason.blocks}"
        case ReasonCode.QUOTA_EXCEEDED | ReasonCode.NEVER_WITHIN_QUOTA:
            return f"quota of {reason.blocks} lacks {lacks}"
        case ReasonCode.RESERVED:
            return f"room is kept for {reason.blocks}"
        case ReasonCode.FILLER_WAITS:
            return "runs only in what others leave"
        case _:
            return reason.message


def refusal(
    node: NodeRoom,
    component: Component,
    groups: Mapping[tuple[str, NodeId], int],
    room: Room,
) -> Refusal | None:
    """Return a node's no to one more replica of a component; None if it would take it."""
    for name, check in FILTERS.items():
        if message := check(node, component, groups):
            return _no(node, component.name, name, message)
    if node.node.is_manager and room.spares_managers(component):
        return _no(node, component.name, "role", "is a manager, and there are workers")
    return None


def _apart(node: NodeRoom, together: frozenset[str]) -> Refusal:
    names = ", ".join(sorted(together))
    return _no(node, names, "storage", "has no room for all that share local storage")


def _no(node: NodeRoom, component: str, filter_: str, message: str) -> Refusal:
    return Refusal(
        node=node.node.id,
        hostname=node.node.hostname,
        component=component,
        filter=filter_,
        message=message,
    )


def _shown(value: str) -> str:
    return f"it is {value!r}" if value else "it has none"
