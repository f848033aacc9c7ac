"""Nodes that are alike taken together as one: decisions are faster, and a little too hopeful.

A pool has room for what no single node of it has. So what never fits has to be told before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace

from policy.model.cluster import Node, Snapshot
from policy.model.execution import Allocation, Component, Constraint, Execution, NodeId
from policy.model.resources import NOTHING, Resources
from policy.room import attribute

_Kind = tuple[object, ...]
_OF_ONE_NODE = frozenset({"node.id", "node.hostname"})


def pooled(snapshot: Snapshot, *, headroom: Resources = NOTHING) -> Snapshot:
    """Return the snapshot with one node for all that nothing in it tells apart.

    What each of them keeps free (``headroom``) but one is reserved in the pool. The snapshot comes
    back as it is where an execution is tied to single nodes: by ports, storage or name.
    """
    components = [c for e in snapshot.executions for c in e.components]
    constraints = [constraint for c in components for constraint in c.constraints]
    constraints += [constraint for r in snapshot.reservations for constraint in r.constraints]
    if any(_is_tied(c) for c in components) or any(
        c.attribute in _OF_ONE_NODE for c in constraints
    ):
        return snapshot
    kinds: dict[_Kind, list[Node]] = {}
    for node in sorted(snapshot.nodes, key=lambda n: n.id):
        kinds.setdefault(_kind(node, constraints), []).append(node)
    pool_of = {node.id: nodes[0].id for nodes in kinds.values() for node in nodes}
    return replace(
        snapshot,
        nodes=tuple(_together(nodes, headroom) for nodes in kinds.values()),
        executions=tuple(_moved(execution, pool_of) for execution in snapshot.executions),
    )


def _is_tied(component: Component) -> bool:
    return bool(
        component.host_ports
        or component.max_per_node
        or component.is_colocated
        or component.only_nodes is not None
    )


def _kind(node: Node, constraints: Iterable[Constraint]) -> _Kind:
    """Return what has to be equal for nodes to be alike."""
    attributes = sorted({constraint.attribute for constraint in constraints})
    seen = tuple(attribute(node, name).lower() for name in attributes)
    return (node.is_manager, node.is_ready, node.is_active, seen)


def _together(nodes: list[Node], headroom: Resources) -> Node:
    reserved = sum((node.reserved for node in nodes), headroom * (len(nodes) - 1))
    capacity = sum((node.capacity for node in nodes), NOTHING)
    return replace(nodes[0], capacity=capacity, reserved=reserved, taken_ports=frozenset())


def _moved(execution: Execution, pool_of: Mapping[NodeId, NodeId]) -> Execution:
    """Return the execution with its groups on the pools of their nodes."""
    if not execution.allocations:
        return execution
    counts: Counter[tuple[str, NodeId]] = Counter()
    for group in execution.allocations:
        counts[group.component, pool_of.get(group.node, group.node)] += group.count
    groups = tuple(
        Allocation(component=component, node=node, count=count)
        for (component, node), count in sorted(counts.items())
    )
    return replace(execution, allocations=groups)
