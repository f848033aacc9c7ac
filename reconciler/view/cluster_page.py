"""A page of the cluster: some nodes with the largest of what is on each, or all that is on one."""

from __future__ import annotations

from dataclasses import dataclass, replace

from reconciler.view import paging
from reconciler.view.cluster import Block, ClusterView, NodeView

NODES = 12
MOST_NODES = 100
BLOCKS = 42
MOST_BLOCKS = 500
LONGEST = 300

_FARTHEST = 2**53


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """Which nodes to tell of; with ``node`` (id or host name) of one, and all that is on it.

    ``limit`` is how many nodes a page has, or how many blocks of the one; 0: as is usual.
    """

    node: str = ""
    limit: int = 0
    cursor: str = ""


ALL = Query()


def check(query: Query) -> None:
    """Raise ValueError, which says what is wrong, if a query makes no sense."""
    most, what = (MOST_BLOCKS, "blocks") if query.node else (MOST_NODES, "nodes")
    if not 0 <= query.limit <= most:
        raise ValueError(f"a page holds 1 to {most} {what}: limit can't be {query.limit}")
    if len(query.node) > LONGEST:
        raise ValueError(f"the name of a node has at most {LONGEST} characters")
    _begin(query)


def of(whole: ClusterView, query: Query = ALL) -> ClusterView:
    """Return a page of the nodes: sums, sentence and ``total`` stay those of all.

    The nodes of a page share :data:`BLOCKS`: each has its largest, and tells what those leave out.
    Of one node (none, where there is no such) the page is of its blocks. ``next`` is the cursor of
    what follows; pages make one cluster while their ``snapshot`` is the same.

    Raises:
        ValueError: The query makes no sense; says what is wrong with it.
    """
    check(query)
    skip = _begin(query)
    if query.node:
        return _one(whole, query, skip)
    nodes = whole.nodes[skip : skip + (query.limit or NODES)]
    each = max(1, BLOCKS // max(1, len(nodes)))
    return replace(
        whole,
        nodes=tuple(_cut(node, 0, each) for node in nodes),
        next=_cursor(query.node, skip + len(nodes), len(whole.nodes)),
    )


def _one(whole: ClusterView, query: Query, skip: int) -> ClusterView:
    by_id = [node for node in whole.nodes if node.id == query.node]
    found = (by_id or [node for node in whole.nodes if node.hostname == query.node])[:1]
    last = skip + (query.limit or BLOCKS)
    return replace(
        whole,
        nodes=tuple(_cut(node, skip, last) for node in found),
        next="".join(_cursor(query.node, last, len(node.blocks)) for node in found),
    )


def _cut(node: NodeView, first: int, last: int) -> NodeView:
    """Return a node with some of its blocks, and the sum of the others."""
    shown = node.blocks[first:last]
    others: tuple[Block, ...] = (*node.blocks[:first], *node.blocks[last:])
    return replace(
        node,
        blocks=shown,
        more=len(others),
        more_cpu_millis=sum(block.cpu_millis for block in others),
        more_memory_bytes=sum(block.memory_bytes for block in others),
    )


def _begin(query: Query) -> int:
    """Return how many nodes, or blocks of the one, come before."""
    found = paging.position(query.cursor, str, int)
    if found is None:
        return 0
    if found[0] != query.node or not 0 <= int(found[1]) <= _FARTHEST:
        raise ValueError("this cursor is of another list: begin without one")
    return int(found[1])


def _cursor(node: str, begin: int, end: int) -> str:
    return paging.cursor(node, begin) if begin < end else ""
