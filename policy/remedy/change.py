"""What changes have in common: they apply to a snapshot, and say in words what they are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, replace
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


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionChange(ABC):
    """A change of the execution that waits."""

    def applied(self, snapshot: Snapshot, uid: Uid) -> Snapshot:
        """Return the snapshot with it."""
        executions = (self._changed(e) if e.uid == uid else e for e in snapshot.executions)
        return replace(snapshot, executions=tuple(executions))

    @abstractmethod
    def _changed(self, execution: Execution) -> Execution: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentChange(ExecutionChange):
    """A change of one component of the execution that waits."""

    component: str

    def _changed(self, execution: Execution) -> Execution:
        parts = (
            self._changed_component(part) if part.name == self.component else part
            for part in execution.components
        )
        return replace(execution, components=tuple(parts))

    @abstractmethod
    def _changed_component(self, component: Component) -> Component: ...


def with_node(snapshot: Snapshot, id_: NodeId, change: Callable[[Node], Node]) -> Snapshot:
    """Return the snapshot with one node changed."""
    nodes = tuple(change(node) if node.id == id_ else node for node in snapshot.nodes)
    return replace(snapshot, nodes=nodes)
