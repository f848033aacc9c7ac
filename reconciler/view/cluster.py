"""The nodes: what each has, who holds how much, and what runs where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One resource of a node or of all. CPU in thousandths, memory in bytes.

    ``reserved`` is what executions reserve, ``foreign`` what others do, ``headroom`` what the
    platform keeps free, ``limit`` the most that executions may take where they have a limit.
    """

    capacity: int
    reserved: int
    foreign: int
    headroom: int = 0
    limit: int = 0

    @property
    def free(self) -> int:
        """What is left to give."""
        return max(0, self.capacity - self.reserved - self.foreign - self.headroom)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A component's replicas on a node: so many of them core, so many elastic."""

    namespace: str
    name: str
    component: str
    core: int
    elastic: int
    cpu_millis: int
    memory_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeView:
    """A node. ``state``: ready, drained or down."""

    id: str
    hostname: str
    role: str
    state: str
    cpu: Share
    memory: Share
    generic: Mapping[str, Share] = field(default_factory=dict)
    blocks: tuple[Block, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterView:
    """All nodes by host name, and their sum over those that are ready."""

    snapshot: str
    taken_at: datetime
    sentence: str
    cpu: Share
    memory: Share
    nodes: tuple[NodeView, ...] = ()
