"""Pages of the queue and of the cluster: bounded, counted, and together all that there is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.view import cluster_page, encoding, labels, paging, queue_page
from reconciler.view.cluster import Block, ClusterView, NodeView, Share
from reconciler.view.queue import Held, Holding, Queue, Start, Waiting

NOW = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
NOTHING = Share(capacity=0, reserved=0, foreign=0)


def named(number: int) -> dict[str, object]:
    odd = {"odd": "yes"} if number % 2 else {}
    return {"namespace": f"ns{number % 3}", "name": f"e{number}", "labels": odd}


def waiting(number: int) -> Waiting:
    return Waiting(
        uid=str(number),
        position=number + 1,
        queued_at=NOW,
        needs="",
        amounts={},
        start=Start(told=""),
        **named(number),  # type: ignore[arg-type]
    )


def holding(number: int) -> Holding:
    return Holding(uid=str(number), replicas="", nodes=(), **named(number))  # type: ignore[arg-type]


def queue(waits: int, never: int, held: int, running: int) -> Queue:
    return Queue(
        snapshot="s",
        taken_at=NOW,
        policy="fair",
        rule="in turn",
        waiting=tuple(map(waiting, range(waits))),
        never=tuple(map(waiting, range(waits, waits + never))),
        held=tuple(Held(why="", **named(n)) for n in range(held)),  # type: ignore[arg-type]
        running=tuple(map(holding, range(running))),
    )


def node(number: int, blocks: int) -> NodeView:
    block = Block(
        namespace="ns", name="e", component="c", core=1, elastic=0, cpu_millis=10, memory_bytes=7
    )
    return NodeView(
        id=f"id{number}",
        hostname=f"n{number // 2}",
        role="worker",
        state="ready",
        cpu=NOTHING,
        memory=NOTHING,
        blocks=tuple(replace(block, name=f"e{n}") for n in range(blocks)),
    )


def cluster(*blocks: int) -> ClusterView:
    nodes = tuple(node(number, count) for number, count in enumerate(blocks))
    return ClusterView(
        snapshot="s",
        taken_at=NOW,
        sentence="",
        cpu=NOTHING,
        memory=NOTHING,
        nodes=nodes,
        total=len(nodes),
    )


def pages_of_queue(whole: Queue, query: queue_page.Query) -> Iterator[Queue]:
    yield (page := queue_page.of(whole, query))
    while page.next:
        yield (page := queue_page.of(whole, replace(query, cursor=page.next)))


FEW = st.integers(0, 7)


@given(
    whole=st.builds(queue, FEW, FEW, FEW, FEW),
    part=st.sampled_from(["", *queue_page.PARTS]),
    namespace=st.sampled_from(["", "ns1", "none"]),
    selector=st.sampled_from(["", "odd", "!odd"]),
    limit=st.integers(1, 9),
)
def test_pages_of_the_queue_are_full_and_hold_everybody_once(
    whole: Queue, part: str, namespace: str, selector: str, limit: int
) -> None:
    query = queue_page.Query(part=part, namespace=namespace, labels=selector, limit=limit)
    pages = list(pages_of_queue(whole, query))
    wanted = labels.parse(selector)
    for name in queue_page.PARTS:
        meant = [
            one
            for one in getattr(whole, name)
            if namespace in ("", one.namespace) and labels.admits(wanted, one.labels)
        ]
        assert {page.totals[name] for page in pages} == {len(meant)}
        shown = [one for page in pages for one in getattr(page, name)]
        assert shown == (meant if part in ("", name) else [])
    sizes = [sum(len(getattr(page, name)) for name in queue_page.PARTS) for page in pages]
    assert set(sizes[:-1]) <= {limit}
    assert sizes[-1] <= limit
    assert encoding.from_json(Queue, encoding.to_json(pages[0])) == pages[0]


def test_one_alone_keeps_its_place() -> None:
    whole = queue(3, 2, 1, 4)
    assert [one.position for one in queue_page.only(whole, "1").waiting] == [2]
    found = queue_page.only(whole, "4")
    assert (len(found.waiting), len(found.never), len(found.running)) == (0, 1, 0)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (queue_page.Query(limit=0), "1 to 500"),
        (queue_page.Query(part="runing"), "'runing' is no part of the queue: choose waiting"),
        (queue_page.Query(labels="a=b=c"), "isn't part of a selector"),
        (queue_page.Query(cursor="bm9wZQ"), "isn't one that was given out"),
        (queue_page.Query(cursor=paging.cursor("others", 1)), "of another list"),
        (queue_page.Query(cursor=paging.cursor("never", -1)), "of another list"),
        (queue_page.Query(part="held", cursor=paging.cursor("never", 1)), "of another list"),
    ],
)
def test_an_absurd_query_of_the_queue_is_refused_in_words(
    query: queue_page.Query, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        queue_page.of(queue(1, 1, 1, 1), query)


def test_the_nodes_of_a_page_share_its_room_and_say_what_they_leave_out() -> None:
    whole = cluster(*[30] * 15)
    first = cluster_page.of(whole)
    assert (len(first.nodes), first.total) == (cluster_page.NODES, 15)
    assert sum(len(one.blocks) for one in first.nodes) <= cluster_page.BLOCKS
    shown = len(first.nodes[0].blocks)
    assert first.nodes[0].more == 30 - shown
    assert first.nodes[0].more_memory_bytes == 7 * (30 - shown)
    second = cluster_page.of(whole, cluster_page.Query(cursor=first.next))
    assert [one.id for one in (*first.nodes, *second.nodes)] == [one.id for one in whole.nodes]
    assert second.next == ""
    assert cluster_page.of(cluster(3, 0)).nodes == cluster(3, 0).nodes


@given(st.integers(0, 40), st.integers(1, 50))
def test_pages_of_one_node_hold_all_that_is_on_it(count: int, limit: int) -> None:
    whole = cluster(1, count)
    query = cluster_page.Query(node="id1", limit=limit)
    page = cluster_page.of(whole, query)
    blocks = [*page.nodes[0].blocks]
    while page.next:
        page = cluster_page.of(whole, replace(query, cursor=page.next))
        blocks += page.nodes[0].blocks
        assert len(page.nodes[0].blocks) + page.nodes[0].more == count
    assert tuple(blocks) == whole.nodes[1].blocks


def test_a_node_is_found_by_its_id_before_its_name() -> None:
    whole = cluster(1, 2, 3)
    by_name = cluster_page.of(whole, cluster_page.Query(node="n0"))
    assert [one.id for one in by_name.nodes] == ["id0"]
    assert cluster_page.of(whole, cluster_page.Query(node="none")).nodes == ()


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (cluster_page.Query(limit=101), "1 to 100 nodes"),
        (cluster_page.Query(node="id1", limit=501), "1 to 500 blocks"),
        (cluster_page.Query(node="x" * 301), "at most 300"),
        (cluster_page.Query(node="id1", cursor=paging.cursor("", 1)), "of another list"),
        (cluster_page.Query(cursor=paging.cursor("", -1)), "of another list"),
    ],
)
def test_an_absurd_query_of_the_cluster_is_refused_in_words(
    query: cluster_page.Query, words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        cluster_page.of(cluster(1, 1), query)
