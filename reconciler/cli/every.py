"""All of what a place has, put together from its pages."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from reconciler.cli.place import Place
from reconciler.errors import TargetUnavailable
from reconciler.view import cluster_page, queue_page
from reconciler.view.cluster import Block, ClusterView, NodeView
from reconciler.view.line import Line
from reconciler.view.listing import MOST, Listing, Query
from reconciler.view.queue import Queue

TRIES = 5


class _Changed(Exception):
    """A page is as of another snapshot than the first."""


def execution(place: Place, query: Query) -> Listing:
    """Return all that match on one page, however many there are."""
    first = page = place.page(replace(query, limit=MOST))
    lines: list[Line] = list(first.lines)
    while page.next:
        page = place.page(replace(query, limit=MOST, cursor=page.next))
        lines += page.lines
    return replace(first, lines=tuple(lines), next="")


def in_queue(place: Place, query: queue_page.Query, *, with_running: bool = True) -> Queue:
    """Return all of the queue that a query asks for, as of one snapshot.

    Raises:
        TargetUnavailable: It changes faster than it can be read.
    """
    for _ in range(TRIES):
        try:
            return _in_queue(place, replace(query, limit=MOST), with_running=with_running)
        except _Changed:
            continue
    raise _too_fast("queue")


def node(place: Place, *, with_blocks: bool = True) -> ClusterView:
    """Return all nodes, by default with all that is on each, as of one snapshot.

    Raises:
        TargetUnavailable: They change faster than they can be read.
    """
    for _ in range(TRIES):
        try:
            return _node(place, with_blocks=with_blocks)
        except _Changed:
            continue
    raise _too_fast("cluster")


def _in_queue(place: Place, query: queue_page.Query, *, with_running: bool) -> Queue:
    # What runs comes last, and may be most of it.
    wanted = queue_page.PARTS if with_running else queue_page.PARTS[:-1]
    first = page = place.queue(query)
    lists: dict[str, Any] = {part: getattr(page, part) for part in wanted}
    while page.next and any(len(lists[part]) < page.totals.get(part, 0) for part in wanted):
        page = place.queue(replace(query, cursor=page.next))
        if page.snapshot != first.snapshot:
            raise _Changed
        lists = {part: (*lists[part], *getattr(page, part)) for part in wanted}
    return replace(first, next="", **lists)


def _node(place: Place, *, with_blocks: bool) -> ClusterView:
    query = cluster_page.Query(limit=cluster_page.MOST_NODES)
    first = page = place.cluster(query)
    nodes = list(page.nodes)
    while page.next:
        page = place.cluster(replace(query, cursor=page.next))
        if page.snapshot != first.snapshot:
            raise _Changed
        nodes += page.nodes
    if with_blocks:
        nodes = [_with_blocks(place, one, first.snapshot) for one in nodes]
    return replace(first, next="", nodes=tuple(nodes))


def _with_blocks(place: Place, one: NodeView, snapshot: str) -> NodeView:
    if not one.more:
        return one
    blocks: list[Block] = []
    query = cluster_page.Query(node=one.id, limit=cluster_page.MOST_BLOCKS)
    while True:
        page = place.cluster(query)
        if page.snapshot != snapshot or not page.nodes:
            raise _Changed
        blocks += page.nodes[0].blocks
        if not page.next:
            break
        query = replace(query, cursor=page.next)
    return replace(one, blocks=tuple(blocks), more=0, more_cpu_millis=0, more_memory_bytes=0)


def _too_fast(what: str) -> TargetUnavailable:
    return TargetUnavailable(f"the {what} changes faster than it can be read: try again")
