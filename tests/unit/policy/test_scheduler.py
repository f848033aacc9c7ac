"""Decisions by example: order, placement, what yields to whom."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from policy.model.cluster import Node, Snapshot
from policy.model.decision import ReasonCode
from policy.model.execution import (
    Allocation,
    ApplicationType,
    Component,
    Constraint,
    Execution,
    NodeId,
    Operator,
    Uid,
)
from policy.model.reservation import Reservation
from policy.model.resources import Resources
from policy.model.tenant import Tenant
from policy.scheduler import decide
from policy.settings import Policy, PolicySettings
from tests.strategies import GIB, apply

FIFO = PolicySettings(policy=Policy.FIFO_MALLEABLE)


def node(name: str, *, cpus: int = 4, memory: int = 8, **fields: object) -> Node:
    capacity = Resources(cpu_millis=cpus * 1000, memory_bytes=memory * GIB)
    return replace(Node(id=NodeId(name), hostname=name, capacity=capacity), **fields)


def execution(name: str, *parts: Component, at: int = 0, priority: int = 0) -> Execution:
    return Execution(
        uid=Uid(name),
        namespace="aml",
        name=name,
        type=ApplicationType.BATCH,
        components=parts,
        queued_ms=at,
        priority=priority,
    )


def component(
    name: str = "main", *, core: int = 1, maximum: int = 0, cpus: int = 1, **fields: object
) -> Component:
    demand = Resources(cpu_millis=cpus * 1000, memory_bytes=GIB)
    part = Component(name=name, core=core, maximum=maximum or core, demand=demand)
    return replace(part, **fields)


def snapshot(*executions: Execution, nodes: tuple[Node, ...]) -> Snapshot:
    return Snapshot(now_ms=0, nodes=nodes, executions=executions)


def test_the_head_of_the_queue_blocks_those_behind_it() -> None:
    big = execution("big", component(core=4, cpus=2), at=1)
    small = execution("small", component(), at=2)
    busy = node("n1", reserved=Resources(cpu_millis=3000))
    decision = decide(snapshot(small, big, nodes=(busy, node("n2"))), FIFO)
    assert decision.starts == ()
    head, behind = decision.waits
    assert (head.uid, head.reason.code) == ("big", ReasonCode.NO_CAPACITY)
    assert head.reason.message == (
        "waits for 8 CPUs, 4 GiB memory: main: n1 needs 2 CPUs, 1 CPU free, "
        "n2 needs 2 CPUs, 0 CPUs free"
    )
    assert (behind.uid, behind.reason.code) == ("small", ReasonCode.BEHIND_IN_QUEUE)


def test_a_request_that_no_cluster_of_these_nodes_can_meet_blocks_nobody() -> None:
    giant = execution("giant", component(cpus=64), at=1)
    small = execution("small", component(), at=2)
    decision = decide(snapshot(giant, small, nodes=(node("n1"),)), FIFO)
    assert [start.uid for start in decision.starts] == ["small"]
    (wait,) = decision.waits
    assert wait.reason.code is ReasonCode.NEVER_FITS
    assert "n1 needs 64 CPUs, 4 CPUs free" in wait.reason.message


def test_each_of_several_that_never_fit_is_told_of_its_own_component() -> None:
    giants = [execution(name, component(f"{name}-part", cpus=64)) for name in ("one", "two")]
    decision = decide(snapshot(*giants, nodes=(node("n1"),)), FIFO)
    assert [w.reason.refusals[0].component for w in decision.waits] == ["one-part", "two-part"]


def test_higher_priority_goes_first_whatever_its_arrival() -> None:
    low = execution("low", component(cpus=4), at=1)
    high = execution("high", component(cpus=4), at=2, priority=10)
    decision = decide(snapshot(low, high, nodes=(node("n1"),)), FIFO)
    assert [start.uid for start in decision.starts] == ["high"]


def test_elastic_replicas_take_what_is_left_in_the_order_of_the_queue() -> None:
    first = execution("first", component("worker", core=1, maximum=5), at=1)
    second = execution("second", component("worker", core=1, maximum=5), at=2)
    decision = decide(snapshot(first, second, nodes=(node("n1"), node("n2"))), FIFO)
    granted = {s.uid: sum(g.count for g in s.allocations) for s in decision.starts}
    assert granted == {"first": 5, "second": 3}


def test_a_start_weighs_on_its_namespace_before_the_next_is_chosen() -> None:
    mine = [execution(f"mine-{n}", component(cpus=2), at=n) for n in (1, 2)]
    theirs = replace(execution("theirs", component(cpus=2), at=3), namespace="bio")
    queue = replace(
        snapshot(*mine, theirs, nodes=(node("n1"),)),
        now_ms=10,
        tenants=(Tenant(name="aml"), Tenant(name="bio")),
    )
    fair = PolicySettings(policy=Policy.FAIR, half_life_ms=1_000_000, entry_penalty_ms=100_000)
    assert [start.uid for start in decide(queue, fair).starts] == ["mine-1", "theirs"]


def test_who_gave_a_large_replica_for_others_gets_what_that_leaves_over_before_them() -> None:
    wide = component("wide", maximum=4, demand=Resources(memory_bytes=2 * GIB))
    narrow = component("narrow", core=0, maximum=2, demand=Resources(memory_bytes=GIB))
    first = execution("first", wide, narrow, at=1)
    second = execution("second", component(core=1, maximum=3, cpus=2), at=2)
    flexible = PolicySettings(policy=Policy.FIFO_FLEXIBLE)
    decision = decide(snapshot(first, second, nodes=(node("n1", memory=7),)), flexible)
    granted = {s.uid: {a.component: a.count for a in s.allocations} for s in decision.starts}
    assert granted == {"first": {"wide": 2, "narrow": 2}, "second": {"main": 1}}


def test_what_cant_be_taken_back_isnt_given_while_somebody_waits_for_room() -> None:
    stays = component("worker", core=1, maximum=3, is_revocable=False)
    running = execution("running", stays, at=1)
    (start,) = decide(snapshot(running, nodes=(node("n1", cpus=1),)), FIFO).starts
    running = replace(running, allocations=start.allocations)
    waiting = execution("waiting", component(cpus=4), at=2)
    decision = decide(snapshot(running, waiting, nodes=(node("n1", cpus=4),)), FIFO)
    assert (decision.resizes, decision.starts) == ((), ())


def test_managers_take_work_only_where_no_worker_is_eligible() -> None:
    manager = node("n1", is_manager=True)
    (start,) = decide(snapshot(execution("e", component()), nodes=(manager,)), FIFO).starts
    assert start.allocations[0].node == "n1"
    down = node("n2", is_ready=False)
    (wait,) = decide(snapshot(execution("e", component()), nodes=(manager, down)), FIFO).waits
    assert wait.reason.message == (
        "waits for 1 CPU, 1 GiB memory: main: n1 is a manager, and there are workers, n2 is down"
    )


def test_local_storage_isnt_begun_on_a_manager_while_there_are_workers() -> None:
    full_manager = node("n1", is_manager=True, reserved=Resources(cpu_millis=1000))
    stores = execution("e", component(is_colocated=True))
    (start,) = decide(snapshot(stores, nodes=(full_manager, node("n2"))), FIFO).starts
    assert start.allocations[0].node == "n2"


def test_a_manager_takes_what_no_worker_may_hold() -> None:
    cluster = (node("n1", is_manager=True), node("n2"))
    wanted = Constraint(attribute="node.role", operator=Operator.EQUAL, value="manager")
    tied = execution("e", component(constraints=(wanted,)))
    homed = execution("f", component(only_nodes=frozenset({NodeId("n1")})))
    starts = decide(snapshot(tied, homed, nodes=cluster), FIFO).starts
    assert {group.node for start in starts for group in start.allocations} == {"n1"}


def test_each_filter_says_no_in_its_own_words() -> None:
    wanted = component(
        constraints=(
            Constraint(attribute="node.labels.tier", operator=Operator.EQUAL, value="gpu"),
        ),
        host_ports=((8080, "tcp"),),
        only_nodes=frozenset({NodeId("n4"), NodeId("n5")}),
    )
    gpu = {"labels": {"tier": "gpu"}}
    cluster = (
        node("n1", is_active=False),
        node("n2", labels={"tier": "cpu"}),
        node("n3", **gpu),
        node("n4", taken_ports=frozenset({(8080, "tcp")}), **gpu),
        node("n5", cpus=0, **gpu),
    )
    (wait,) = decide(snapshot(execution("e", wanted), nodes=cluster), FIFO).waits
    assert {no.hostname: (no.filter, no.message) for no in wait.reason.refusals} == {
        "n1": ("drain", "is drained or paused"),
        "n2": ("constraints", "node.labels.tier == gpu isn't met (it is 'cpu')"),
        "n3": ("storage", "doesn't hold the namespace's storage"),
        "n4": ("ports", "port 8080/tcp is taken"),
        "n5": ("resources", "needs 1 CPU, 0 CPUs free"),
    }


def test_headroom_stays_free_on_every_node() -> None:
    settings = replace(FIFO, headroom=Resources(cpu_millis=1000))
    decision = decide(
        snapshot(execution("e", component(core=4)), nodes=(node("n1"), node("n2"))), settings
    )
    (start,) = decision.starts
    assert {g.node: g.count for g in start.allocations} == {"n1": 3, "n2": 1}


def test_replicas_that_share_local_storage_and_fit_on_no_node_say_so() -> None:
    wide = execution("e", component(core=2, cpus=3, is_colocated=True))
    (wait,) = decide(snapshot(wide, nodes=(node("n1"), node("n2"))), FIFO).waits
    assert wait.reason.code is ReasonCode.NEVER_FITS
    assert "n1 has no room for all that share local storage" in wait.reason.message


def test_colocated_components_share_the_first_node_that_takes_them_all() -> None:
    parts = (
        component("server", cpus=3, is_colocated=True),
        component("side", cpus=2, is_colocated=True),
        component("worker", cpus=3),
    )
    cluster = (node("n1", cpus=4), node("n2", cpus=6))
    (start,) = decide(snapshot(execution("e", *parts), nodes=cluster), FIFO).starts
    assert {g.component: g.node for g in start.allocations} == {
        "server": "n2",
        "side": "n2",
        "worker": "n1",
    }


def test_spread_replicas_are_evened_out_over_the_values_of_an_attribute() -> None:
    wide = component("worker", core=2, maximum=4, spread="node.labels.rack")
    cluster = (
        node("n1", labels={"rack": "a"}),
        node("n2", labels={"rack": "a"}),
        node("n3", cpus=8, labels={"rack": "b"}),
    )
    (start,) = decide(snapshot(execution("e", wide), nodes=cluster), FIFO).starts
    racks = {"n1": "a", "n2": "a", "n3": "b"}
    counts = Counter[str]()
    for group in start.allocations:
        counts[racks[group.node]] += group.count
    assert counts == {"a": 2, "b": 2}


def test_a_lowered_range_takes_replicas_back_from_the_smallest_group_first() -> None:
    wide = execution("e", component("worker", core=1, maximum=6))
    cluster = (node("n1", cpus=4), node("n2", cpus=2))
    (start,) = decide(snapshot(wide, nodes=cluster), FIFO).starts
    narrow = execution("e", component("worker", core=1, maximum=3))
    narrow = replace(narrow, allocations=start.allocations)
    (resize,) = decide(snapshot(narrow, nodes=cluster), FIFO).resizes
    assert {g.node: g.count for g in resize.allocations} == {"n1": 3}


def test_fillers_yield_on_any_node_before_elastic_replicas_are_taken() -> None:
    nodes = (node("n1", cpus=2), node("n2", cpus=2))
    held = [
        Allocation(component="main", node=NodeId(name), count=n)
        for n, name in ((2, "n1"), (1, "n2"))
    ]
    wide = replace(execution("wide", component(core=1, maximum=3)), allocations=tuple(held))
    small = filler("filler", component(), on="n2")
    newcomer = execution("newcomer", component(core=2), at=1, priority=1)
    decision = decide(snapshot(wide, small, newcomer, nodes=nodes), PolicySettings())
    assert [start.uid for start in decision.starts] == ["newcomer"]
    assert [stopped.uid for stopped in decision.preemptions] == ["filler"]
    # Two containers are stopped for the two that start, and nobody moves.
    assert [resize.allocations for resize in decision.resizes] == [(held[0],)]


def filler(name: str, *parts: Component, on: str = "") -> Execution:
    held = [Allocation(component=c.name, node=NodeId(on), count=c.core) for c in parts if on]
    return replace(
        execution(name, *parts, priority=-100),
        is_filler=True,
        is_preemptible=True,
        allocations=tuple(held),
    )


def test_a_filler_takes_no_elastic_replica_even_if_the_cluster_were_fuller() -> None:
    wide = execution("wide", component(core=1, maximum=4))
    demand = Resources(cpu_millis=3000, memory_bytes=6 * GIB)
    large = filler("large", component(demand=demand))
    settings = PolicySettings(policy=Policy.FIFO_FLEXIBLE)
    decision = decide(snapshot(wide, large, nodes=(node("n1"),)), settings)
    assert [(s.uid, s.allocations[0].count) for s in decision.starts] == [("wide", 4)]


def test_nobody_is_stopped_on_a_node_that_may_take_no_more_of_a_component() -> None:
    single = replace(
        execution("single", component(core=1, maximum=2, max_per_node=1)),
        allocations=(Allocation(component="main", node=NodeId("n1"), count=1),),
    )
    small = filler("small", component(cpus=3), on="n1")
    assert decide(snapshot(single, small, nodes=(node("n1"),)), PolicySettings()).changes_nothing


def test_what_starts_but_has_to_yield_at_once_is_tried_again_elsewhere() -> None:
    settings = PolicySettings(ageing_ms=8000, gain_permille=0)
    aged = replace(execution("aged", component(), priority=-10), is_preemptible=True)
    wide = execution("wide", component(core=1, maximum=2), at=1)
    newcomer = execution("newcomer", component(), at=3000)
    now = replace(snapshot(aged, wide, newcomer, nodes=(node("n1", cpus=3),)), now_ms=10_000)
    decision = decide(now, settings)
    assert {s.uid: s.allocations[0].count for s in decision.starts} == {
        "aged": 1,
        "wide": 1,
        "newcomer": 1,
    }


def test_what_a_window_keeps_stays_where_it_is_while_the_cluster_fills() -> None:
    window = Reservation(
        name="lab", starts_ms=0, ends_ms=60_000, slots=1, slot=Resources(memory_bytes=GIB)
    )
    wide = execution("wide", component(maximum=2, demand=Resources(memory_bytes=2 * GIB)))
    nodes = (node("n1", memory=2), node("n2", memory=3))
    now = replace(snapshot(wide, nodes=nodes), reservations=(window,))
    first = decide(now, FIFO)
    assert decide(apply(now, first), FIFO).changes_nothing
    assert [group.node for group in first.starts[0].allocations] == ["n2"]


def test_a_filler_isnt_started_where_it_would_have_to_yield_at_once() -> None:
    rigid = PolicySettings(policy=Policy.FIFO)
    half = replace(
        execution("half", component("worker", core=1, maximum=3)),
        allocations=(Allocation(component="worker", node=NodeId("n1"), count=1),),
    )
    large = filler("filler", component(cpus=3))
    first = decide(snapshot(half, large, nodes=(node("n1", cpus=3),)), rigid)
    assert (first.starts, [r.uid for r in first.resizes]) == ((), ["half"])
    assert first.waits[0].reason.code is ReasonCode.FILLER_WAITS
