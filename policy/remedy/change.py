"""What changes have in common: they apply to a snapshot, and say in words what they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar, Protocol

from policy.model.cluster import Node, Snapshot
from policy.model.execution import Component, Execution, NodeId, Uid


class Change(Protocol):
    """Something that somebody could do. ``kind`` is its name for machines."""

    kind: ClassVar[str]

    def applied(self, snapshot: Snapshot, uid: Uid) -> Snapshot:
        """Return the snapshot as it would be; ``uid`` is who waits."""

    @property
    def told(self) -> str:
        """What to do, in words."""


def with_execution(
    snapshot: Snapshot, uid: Uid, change: Callable[[Execution], Execution]
) -> Snapshot:
    """Return the snapshot with one execution changed."""
    changed = (change(e) if e.uid == uid else e for e in snapshot.executions)
    return replace(snapshot, executions=tuple(changed))


def with_component(
    snapshot: Snapshot, uid: Uid, name: str, change: Callable[[Component], Component]
) -> Snapshot:
    """Return the snapshot with one component of an execution changed."""

    def changed(execution: Execution) -> Execution:
        parts = tuple(change(c) if c.name == name else c for c in execution.components)
        return replace(execution, components=parts)

    return with_execution(snapshot, uid, changed)


def with_node(snapshot: Snapshot, id_: NodeId, change: Callable[[Node], Node]) -> Snapshot:
    """Return the snapshot with one node changed."""
    nodes = tuple(change(node) if node.id == id_ else node for node in snapshot.nodes)
    return replace(snapshot, nodes=nodes)
