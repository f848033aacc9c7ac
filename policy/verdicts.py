"""What each node says to each component of a waiting execution: how many it takes, or its no."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from policy.model.cluster import Node
from policy.model.execution import Constraint, Execution, NodeId
from policy.place import Groups, Placer, hardest_first
from policy.reasons import refusal
from policy.room import Room, satisfies


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One node's answer to one component.

    ``takes`` replicas of the core find a place there; where some find none anywhere, ``filter``
    says no to one more in the words of ``message``.
    """

    component: str
    node: NodeId
    hostname: str
    takes: int = 0
    filter: str = ""
    message: str = ""


def verdicts(
    execution: Execution, room: Room, nodes: Sequence[Node], selector: Sequence[Constraint]
) -> tuple[Verdict, ...]:
    """Return every node's answer to every component that has a core, by component and host name.

    The components are placed one after the other, the hardest first, whether or not those before
    found a place. ``room`` is left as it was. ``selector`` is the platform's: nodes that don't
    meet it take nobody's.
    """
    groups: Groups = {}
    placer = Placer(room)
    found: dict[str, list[Verdict]] = {}
    for component in sorted(execution.components, key=hardest_first):
        placed = placer.place_replicas(component, groups)
        found[component.name] = []
        for node_room in room:
            node, takes = node_room.node, groups.get((component.name, node_room.node.id), 0)
            no = None
            if placed < component.core:
                no = refusal(node_room, component, groups, room)
            found[component.name].append(
                Verdict(
                    component=component.name,
                    node=node.id,
                    hostname=node.hostname,
                    takes=takes,
                    filter=no.filter if no else "",
                    message=no.message if no else "",
                )
            )
    placer.give_back(execution, groups, {})
    return tuple(
        verdict
        for component in execution.components
        if component.core
        for verdict in sorted(
            (*found[component.name], *_unselected(component.name, nodes, selector)),
            key=lambda verdict: (verdict.hostname, verdict.node),
        )
    )


def _unselected(
    component: str, nodes: Iterable[Node], selector: Sequence[Constraint]
) -> Iterable[Verdict]:
    for node in nodes:
        missed = [str(constraint) for constraint in selector if not satisfies(node, constraint)]
        if missed:
            yield Verdict(
                component=component,
                node=node.id,
                hostname=node.hostname,
                filter="selector",
                message=f"isn't for executions: {missed[0]} isn't met",
            )
