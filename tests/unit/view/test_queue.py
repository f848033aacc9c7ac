"""The queue, the cluster and why one waits, as they are read out of a snapshot."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from policy.forecast import FITS_NOW, Expected
from policy.model.cluster import Node, Snapshot
from policy.model.execution import (
    Allocation,
    ApplicationType,
    Component,
    Execution,
    NodeId,
    Uid,
)
from policy.model.resources import Resources
from policy.scheduler import decide
from policy.settings import Policy, PolicySettings
from reconciler.converge.instants import epoch_ms
from reconciler.converge.snapshots import Taken
from reconciler.view import cluster, encoding, queue, waiting
from reconciler.view.cluster import Block, ClusterView, NodeView, Share
from reconciler.view.queue import Held, Holding, Queue, Start, Waiting
from reconciler.view.waiting import Asked, Explanation, NodeAnswer
from tests import strategies
from tests.documents import component, told
from tests.strategies import GIB

NOW = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
EARLIER = NOW - timedelta(hours=1)
FIFO = PolicySettings(
    policy=Policy.FIFO_FLEXIBLE, headroom=Resources(cpu_millis=500, memory_bytes=GIB)
)


def node(name: str, **fields: object) -> Node:
    capacity = Resources(cpu_millis=4500, memory_bytes=8 * GIB)
    return replace(Node(id=NodeId(name), hostname=name, capacity=capacity), **fields)  # type: ignore[arg-type]


def execution(name: str, core: int, minutes: int, **fields: object) -> Execution:
    component = Component(
        name="worker",
        core=core,
        maximum=core + 2,
        demand=Resources(cpu_millis=1000, memory_bytes=GIB),
    )
    made = Execution(
        uid=Uid(name),
        namespace="aml",
        name=name,
        type=ApplicationType.BATCH,
        components=(component,),
        queued_ms=epoch_ms(EARLIER + timedelta(minutes=minutes)),
    )
    return replace(made, **fields)  # type: ignore[arg-type]


def on(name: str, count: int) -> Allocation:
    return Allocation(component="worker", node=NodeId(name), count=count)


HOLDS = execution(
    "holds",
    3,
    0,
    allocations=(on("n1", 4), on("n2", 1)),
    started_ms=epoch_ms(EARLIER),
    ends_ms=epoch_ms(NOW + timedelta(hours=1)),
)
TAKEN = Taken(
    id="s1",
    taken_at=NOW,
    commit="c",
    snapshot=Snapshot(
        now_ms=epoch_ms(NOW),
        nodes=(
            node("n1", reserved=Resources(cpu_millis=250), labels={"tier": "gold"}),
            node("n2", is_active=False),
            node("n3", is_ready=False, is_manager=True),
        ),
        executions=(
            HOLDS,
            execution("second", 2, 2),
            execution("first", 3, 1),
            execution("giant", 64, 3),
        ),
    ),
    settings=FIFO,
)


def test_the_queue_in_order_with_who_is_ahead_and_when() -> None:
    labels = told("aml/second", "Queued", labels={"course": "aml"})
    labels["metadata"]["uid"] = "second"
    held = told("bio/kept", "Pending", held=("HeldByOperator", "held by root: x"))
    found = queue.of(TAKEN, [labels, held])
    first, second = found.waiting
    ends = NOW + timedelta(hours=1)
    assert first == Waiting(
        position=1,
        uid="first",
        namespace="aml",
        name="first",
        queued_at=EARLIER + timedelta(minutes=1),
        needs="3 CPUs, 3 GiB memory",
        amounts={"cpu": 3000, "memory": 3 * GIB},
        start=Start(
            told="starts about 2026-11-22T15:00:00Z, by lifetimes",
            at=ends,
            earliest=ends,
            latest=ends,
            basis="lifetimes",
        ),
        code="NoCapacity",
        why="lacks 3 CPUs",
        sentence="waits for 3 CPUs, 3 GiB memory: lacks 3 CPUs",
        message=(
            "waits for 3 CPUs, 3 GiB memory: worker: n1 needs 1 CPU, 0 CPUs free, "
            "n2 is drained or paused, n3 is down"
        ),
        shortfall={"cpu": 3000},
    )
    assert (second.ahead, second.labels) == (("aml/first: it came earlier",), {"course": "aml"})
    assert [w.name for w in found.never] == ["giant"]
    assert found.never[0].ahead == ()
    assert found.running == (
        Holding(
            uid="holds",
            namespace="aml",
            name="holds",
            replicas="core 3, 2 of 2 elastic",
            nodes=("n1", "n2"),
            ends_at=ends,
        ),
    )
    assert found.held == (Held(namespace="bio", name="kept", why="held by root: x"),)
    assert encoding.from_json(Queue, encoding.to_json(found)) == found


def at(minutes: int) -> datetime:
    return NOW + timedelta(minutes=minutes)


def expected(*minutes: int | None, basis: str = "lifetimes", because: str = "") -> Expected:
    moments = [None if m is None else epoch_ms(at(m)) for m in minutes]
    about, low, high = moments
    return Expected(
        uid=Uid("x"), at_ms=about, low_ms=low, high_ms=high, basis=basis, because=because
    )


@pytest.mark.parametrize(
    ("it", "told_"),
    [
        (expected(20, 20, 20), "starts about 2026-11-22T14:20:00Z, by lifetimes"),
        (
            expected(20, 5, 70),
            "starts about 2026-11-22T14:20:00Z (2026-11-22T14:05:00Z to 2026-11-22T15:10:00Z), "
            "by lifetimes",
        ),
        (
            expected(20, -5, None),
            "starts about 2026-11-22T14:20:00Z (2026-11-22T14:00:00Z or later), by lifetimes",
        ),
        (expected(0, 0, 0, basis=FITS_NOW), "starts with the next pass"),
        (expected(None, None, None, because="unknown, since x"), "unknown, since x"),
        (expected(None, None, None), "nobody can know when it starts"),
    ],
)
def test_a_start_in_a_sentence(it: Expected, told_: str) -> None:
    assert queue.start(it, taken_at=NOW).told == told_


def test_why_one_waits_names_every_node_with_its_rule() -> None:
    found = waiting.of(TAKEN, "second")
    assert found.sentence == "aml/second waits: aml/first is first in the queue and waits for room"
    assert (found.position, found.waiting, found.is_hopeless) == (2, 2, False)
    assert found.standing[:2] == ("number 2 of 2", "behind aml/first: it came earlier")
    assert found.asked == (
        Asked(
            component="worker",
            told="2 with 1 CPU, 1 GiB memory each",
            answers=(
                NodeAnswer(nodes=("n1",), told="needs 1 CPU, 0 CPUs free", rule="resources"),
                NodeAnswer(nodes=("n2",), told="is drained or paused", rule="drain"),
                NodeAnswer(nodes=("n3",), told="is down", rule="state"),
            ),
        ),
    )
    assert encoding.from_json(Explanation, encoding.to_json(found)) == found
    assert waiting.of(TAKEN, "giant").is_hopeless
    assert (waiting.waits(TAKEN, "aml", "first"), waiting.waits(TAKEN, "aml", "holds")) == (
        "first",
        "",
    )
    with pytest.raises(KeyError):
        waiting.of(TAKEN, "holds")


def test_the_cluster_tells_ours_others_and_what_is_kept_free() -> None:
    found = cluster.of(TAKEN)
    cpu = Share(capacity=4500, reserved=4000, foreign=250, headroom=500)
    memory = Share(capacity=8 * GIB, reserved=4 * GIB, foreign=0, headroom=GIB)
    first, second, third = found.nodes
    assert first == NodeView(
        id="n1",
        hostname="n1",
        role="worker",
        state="ready",
        cpu=cpu,
        memory=memory,
        blocks=(
            Block(
                namespace="aml",
                name="holds",
                component="worker",
                core=3,
                elastic=1,
                cpu_millis=4000,
                memory_bytes=4 * GIB,
            ),
        ),
        labels={"tier": "gold"},
    )
    assert (cpu.free, memory.free) == (0, 3 * GIB)
    assert [(b.core, b.elastic) for b in second.blocks] == [(0, 1)]
    assert (second.state, third.state, third.role) == ("drained", "down", "manager")
    assert (found.cpu, found.memory) == (cpu, memory)
    assert found.sentence == (
        "1 of 3 nodes ready (1 drained, 1 down); 94 % of the CPUs and 50 % of the memory reserved"
    )
    assert encoding.from_json(ClusterView, encoding.to_json(found)) == found


def limited(uid: str, **limits: int) -> dict[str, Any]:
    document = told(f"aml/{uid}", "Running", components=[component("worker", 3, 2, 5)])
    document["metadata"]["uid"] = uid
    document["status"]["components"][0]["limits"] = limits
    return document


def test_what_executions_can_take_at_most_is_by_their_limits_else_by_what_they_reserve() -> None:
    other = execution("other", 1, 0, allocations=(on("n1", 1),))
    snapshot = replace(TAKEN.snapshot, executions=(HOLDS, other))
    taken = replace(TAKEN, snapshot=snapshot)
    found = cluster.of(taken, [limited("holds", cpu=0, memory=3 * GIB), limited("gone", cpu=9)])
    first, second, third = found.nodes
    assert (first.memory.limit, first.memory.reserved) == (13 * GIB, 5 * GIB)
    assert [node.cpu.limit for node in found.nodes] == [0, 0, 0]
    assert (second.memory.limit, third.memory.limit) == (3 * GIB, 0)
    assert (found.memory.limit, found.cpu.limit) == (13 * GIB, 0)  # of those that are ready


@effort(max_examples=40, deadline=None)
@given(strategies.snapshots(), st.sampled_from(list(Policy)))
def test_everybody_who_waits_is_in_the_queue_once_and_every_replica_on_the_map(
    snapshot: Snapshot, policy: Policy
) -> None:
    settings = PolicySettings(policy=policy)
    taken = replace(TAKEN, snapshot=snapshot, settings=settings)
    found = queue.of(taken, [])
    decision = decide(snapshot, settings)
    positions = {w.uid: w.position for w in decision.waits}
    shown = [*found.waiting, *found.never]
    assert {w.uid: w.position for w in shown if w.position} == positions
    assert {w.uid for w in shown if not w.position} == {s.uid for s in decision.starts}
    blocks = [block for node_ in cluster.of(taken).nodes for block in node_.blocks]
    there = {n.id for n in snapshot.nodes}
    replicas = sum(a.count for e in snapshot.executions for a in e.allocations if a.node in there)
    assert sum(block.core + block.elastic for block in blocks) == replicas
