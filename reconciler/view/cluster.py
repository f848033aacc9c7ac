"""The nodes: what each has, who holds how much, and what runs where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from policy.model.cluster import Node
from policy.model.execution import Execution, NodeId, Uid
from policy.model.resources import NOTHING, Resources
from policy.share import amounts_of
from reconciler.converge.snapshots import Taken
from reconciler.view.words import counted

Document = Mapping[str, Any]
Limits = Mapping[tuple[Uid, str], Mapping[str, int]]
"""By run and component, what one replica may take at most; what is unbounded is missing."""

READY, DRAINED, DOWN = "ready", "drained", "down"


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One resource of a node or of all. CPU in thousandths, memory in bytes.

    ``reserved`` is what executions reserve, ``foreign`` what others do, ``headroom`` what the
    platform keeps free. ``limit`` is the most that executions can take: their limits, and what they
    reserve where they have none; 0 where none has one.
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
    """A node. ``state``: ready, drained or down. ``blocks`` are the largest first.

    ``more`` counts the blocks that aren't told, with what they have together.
    """

    id: str
    hostname: str
    role: str
    state: str
    cpu: Share
    memory: Share
    generic: Mapping[str, Share] = field(default_factory=dict)
    blocks: tuple[Block, ...] = ()
    more: int = 0
    more_cpu_millis: int = 0
    more_memory_bytes: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterView:
    """All nodes by host name, and their sum over those that are ready.

    Of a page of them (``cluster_page``), ``total`` counts all, ``down`` names those of all that are
    down, and ``next`` is the cursor of what follows.
    """

    snapshot: str
    taken_at: datetime
    sentence: str
    cpu: Share
    memory: Share
    nodes: tuple[NodeView, ...] = ()
    total: int = 0
    down: tuple[str, ...] = ()
    next: str = ""


def of(taken: Taken, documents: Iterable[Document] = ()) -> ClusterView:
    """Return the nodes as a snapshot has them; the status documents tell the limits."""
    headroom = taken.settings.headroom
    running = [e for e in taken.snapshot.executions if e.is_admitted]
    blocks: dict[NodeId, list[Block]] = {}
    for execution in sorted(running, key=lambda e: (e.namespace, e.name, e.uid)):
        for node, block in _blocks(execution):
            blocks.setdefault(node, []).append(block)
    held: dict[NodeId, Resources] = {}
    for execution in running:
        for node, demand in execution.load:
            held[node] = held.get(node, NOTHING) + demand
    most = _most(running, _limits(documents))
    nodes = tuple(
        _limited(
            _node(node, held.get(node.id, NOTHING), headroom, blocks.get(node.id, ())),
            most.get(node.id, {}),
        )
        for node in sorted(taken.snapshot.nodes, key=lambda n: (n.hostname, n.id))
    )
    ready = [node for node in nodes if node.state == READY]
    cpu, memory = _sum(node.cpu for node in ready), _sum(node.memory for node in ready)
    return ClusterView(
        snapshot=taken.id,
        taken_at=taken.taken_at,
        sentence=_sentence(nodes, cpu, memory),
        cpu=cpu,
        memory=memory,
        nodes=nodes,
        total=len(nodes),
        down=tuple(node.hostname for node in nodes if node.state == DOWN),
    )


def percent(share: Share) -> int:
    """Return how much of the capacity is reserved, by whomever, in whole percent."""
    if not share.capacity:
        return 0
    return (share.reserved + share.foreign) * 100 // share.capacity


def _blocks(execution: Execution) -> Iterator[tuple[NodeId, Block]]:
    """Yield each group by its node; the largest ones are taken to be core, as policy does."""
    left = {component.name: component.core for component in execution.components}
    for allocation in sorted(execution.allocations, key=lambda a: (-a.count, a.node)):
        core = min(left.get(allocation.component, 0), allocation.count)
        left[allocation.component] = left.get(allocation.component, 0) - core
        component = execution.by_name.get(allocation.component)
        demand = (component.demand if component else NOTHING) * allocation.count
        yield (
            allocation.node,
            Block(
                namespace=execution.namespace,
                name=execution.name,
                component=allocation.component,
                core=core,
                elastic=allocation.count - core,
                cpu_millis=demand.cpu_millis,
                memory_bytes=demand.memory_bytes,
            ),
        )


def _limits(documents: Iterable[Document]) -> Limits:
    return {
        (Uid(document["metadata"]["uid"]), part["name"]): part["limits"]
        for document in documents
        for part in document["status"].get("components", ())
        if "limits" in part
    }


def _most(running: Iterable[Execution], limits: Limits) -> Mapping[NodeId, Mapping[str, int]]:
    """Return by node what can be taken there, of the resources of which something is limited."""
    found: dict[NodeId, Counter[str]] = {}
    limited: set[tuple[NodeId, str]] = set()
    for execution in running:
        for group in execution.allocations:
            component = execution.by_name.get(group.component)
            reserved = dict(amounts_of(component.demand)) if component else {}
            known = limits.get((execution.uid, group.component), {})
            own = {name: amount for name, amount in known.items() if amount}
            limited |= {(group.node, name) for name in own}
            for name, amount in (reserved | own).items():
                found.setdefault(group.node, Counter())[name] += amount * group.count
    return {
        node: {name: amount for name, amount in amounts.items() if (node, name) in limited}
        for node, amounts in found.items()
    }


def _limited(node: NodeView, most: Mapping[str, int]) -> NodeView:
    return replace(
        node,
        cpu=replace(node.cpu, limit=most.get("cpu", 0)),
        memory=replace(node.memory, limit=most.get("memory", 0)),
    )


def _node(node: Node, held: Resources, headroom: Resources, blocks: Iterable[Block]) -> NodeView:
    amounts = [dict(amounts_of(r)) for r in (node.capacity, held, node.reserved, headroom)]
    shares = {
        name: Share(
            capacity=amounts[0].get(name, 0),
            reserved=amounts[1].get(name, 0),
            foreign=amounts[2].get(name, 0),
            headroom=amounts[3].get(name, 0),
        )
        for name in sorted({"cpu", "memory"}.union(*amounts[:3]))
    }
    return NodeView(
        id=node.id,
        hostname=node.hostname,
        role="manager" if node.is_manager else "worker",
        state=_state(node),
        cpu=shares.pop("cpu"),
        memory=shares.pop("memory"),
        generic=shares,
        blocks=tuple(sorted(blocks, key=_by_size)),
        labels=dict(sorted(node.labels.items())),
    )


def _by_size(block: Block) -> tuple[int, int, str, str, str]:
    amounts = -block.memory_bytes, -block.cpu_millis
    return *amounts, block.namespace, block.name, block.component


def _state(node: Node) -> str:
    if not node.is_ready:
        return DOWN
    return READY if node.is_active else DRAINED


def _sum(shares: Iterable[Share]) -> Share:
    found = list(shares)
    is_limited = any(share.limit for share in found)
    return Share(
        capacity=sum(share.capacity for share in found),
        reserved=sum(share.reserved for share in found),
        foreign=sum(share.foreign for share in found),
        headroom=sum(share.headroom for share in found),
        limit=sum(share.limit or share.reserved for share in found) if is_limited else 0,
    )


def _sentence(nodes: Sequence[NodeView], cpu: Share, memory: Share) -> str:
    if not nodes:
        return "the cluster has no nodes"
    states = Counter(node.state for node in nodes)
    told = f"{states[READY]} of {counted(len(nodes), 'node')} ready"
    others = ", ".join(f"{states[state]} {state}" for state in (DRAINED, DOWN) if states[state])
    told += f" ({others})" if others else ""
    if not states[READY]:
        return told
    return f"{told}; {percent(cpu)} % of the CPUs and {percent(memory)} % of the memory reserved"
