"""What holds for every decision of every policy, whatever the cluster and the queue."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st

from policy.model.cluster import Node, Snapshot
from policy.model.decision import ReasonCode
from policy.model.execution import (
    Allocation,
    ApplicationType,
    Component,
    Execution,
    NodeId,
    Uid,
)
from policy.model.resources import NOTHING, Resources
from policy.round import Round
from policy.scheduler import decide
from policy.settings import Policy, PolicySettings
from policy.share import amounts_of
from tests.strategies import apply, settings, snapshots


def held(snapshot: Snapshot) -> dict[NodeId, Resources]:
    used: dict[NodeId, Resources] = {}
    for execution in snapshot.executions:
        for node, demand in execution.load:
            used[node] = used.get(node, NOTHING) + demand
    return used


def assert_within_capacity(snapshot: Snapshot) -> None:
    used = held(snapshot)
    for node in snapshot.nodes:
        assert used.get(node.id, NOTHING).fits_in(node.capacity - node.reserved)


@given(snapshots(calendar=True), settings())
def test_no_node_is_overcommitted_after_any_step_of_a_decision(
    snapshot: Snapshot, settings: PolicySettings
) -> None:
    decision = decide(snapshot, settings)
    groups = {e.uid: e.allocations for e in snapshot.executions}
    groups |= {stopped.uid: () for stopped in decision.preemptions}
    before = {e.uid: e.groups for e in snapshot.executions}
    growing = []
    for resize in decision.resizes:
        kept = tuple(
            replace(a, count=min(a.count, before[resize.uid].get((a.component, a.node), 0)))
            for a in resize.allocations
        )
        groups[resize.uid] = tuple(a for a in kept if a.count)
        growing.append(resize)

    def check() -> None:
        assert_within_capacity(
            replace(
                snapshot,
                executions=tuple(
                    replace(e, allocations=groups[e.uid]) for e in snapshot.executions
                ),
            )
        )

    check()
    for change in (*decision.starts, *growing):
        groups[change.uid] = change.allocations
        check()


@given(snapshots(calendar=True), settings())
def test_a_gang_is_whole_or_absent_and_grants_stay_within_bounds(
    snapshot: Snapshot, settings: PolicySettings
) -> None:
    for execution in apply(snapshot, decide(snapshot, settings)).executions:
        for component in execution.components:
            count = execution.held.get(component.name, 0)
            assert count == 0 or execution.allocations
            if execution.allocations:
                assert component.core <= count <= component.maximum


@given(snapshots(calendar=True), settings())
def test_only_classes_that_allow_it_lose_their_core(
    snapshot: Snapshot, settings: PolicySettings
) -> None:
    by_uid = {e.uid: e for e in snapshot.executions}
    for stopped in decide(snapshot, settings).preemptions:
        victim = by_uid[stopped.uid]
        assert victim.is_preemptible
        if stopped.by in by_uid:
            assert not by_uid[stopped.by].is_filler
            assert victim.is_filler or victim.priority < by_uid[stopped.by].priority


@given(snapshots(), settings())
def test_what_cant_be_taken_back_isnt(snapshot: Snapshot, settings: PolicySettings) -> None:
    fixed = replace(
        snapshot,
        executions=tuple(
            replace(e, components=tuple(replace(c, is_revocable=False) for c in e.components))
            for e in snapshot.executions
        ),
    )
    decision = decide(fixed, settings)
    stopped = {p.uid for p in decision.preemptions}
    up = {n.id for n in snapshot.nodes if n.is_ready and n.is_active}
    after = {e.uid: e for e in apply(fixed, decision).executions}
    for execution in fixed.executions:
        if execution.uid not in stopped:
            for key, count in execution.groups.items():
                assert key[1] not in up or count <= after[execution.uid].groups.get(key, 0)


@given(snapshots(calendar=True), settings(), st.randoms(use_true_random=False))
def test_the_order_of_the_input_changes_nothing(
    snapshot: Snapshot, settings: PolicySettings, chance: random.Random
) -> None:
    executions, nodes = list(snapshot.executions), list(snapshot.nodes)
    tenants = list(snapshot.tenants)
    for parts in (executions, nodes, tenants):
        chance.shuffle(parts)
    shuffled = replace(
        snapshot, executions=tuple(executions), nodes=tuple(nodes), tenants=tuple(tenants)
    )
    assert decide(shuffled, settings) == decide(snapshot, settings)


@given(snapshots(calendar=True), settings())
def test_deciding_again_changes_nothing(snapshot: Snapshot, settings: PolicySettings) -> None:
    first = decide(snapshot, settings)
    stopped = {p.uid for p in first.preemptions}
    after = apply(snapshot, first)
    again = decide(after, settings)
    assert not again.preemptions
    # Who was stopped waits from now on, and may start where nobody else could use the room. And
    # who started with its core on one node and elastic replicas on another has as its core, from
    # then on, the larger group: what stands in a later core's way yields to that, and grows back
    # elsewhere. Then it has settled.
    if not again.changes_nothing and not stopped & {s.uid for s in again.starts}:
        grown = {s.uid for s in first.starts if s.uid in _with_more_than_core(after)}
        assert again.starts, first
        assert {r.uid for r in again.resizes} & grown, first
        for _ in range(2):
            after = apply(after, again)
            again = decide(after, settings)
        assert again.changes_nothing, first


def _with_more_than_core(snapshot: Snapshot) -> set[Uid]:
    return {
        e.uid
        for e in snapshot.executions
        if any(e.held.get(c.name, 0) > c.core for c in e.components)
    }


@given(snapshots(calendar=True), settings())
def test_every_waiting_execution_has_a_position_and_a_reason(
    snapshot: Snapshot, settings: PolicySettings
) -> None:
    decision = decide(snapshot, settings)
    stopped = {p.uid for p in decision.preemptions}
    waiting = {e.uid for e in apply(snapshot, decision).executions if not e.is_admitted} - stopped
    assert {wait.uid for wait in decision.waits} == waiting
    assert [wait.position for wait in decision.waits] == list(range(1, len(waiting) + 1))
    assert all(wait.reason.message for wait in decision.waits)


@given(snapshots(), settings(), st.integers(2, 7))
def test_a_cluster_that_is_larger_in_all_is_decided_alike(
    snapshot: Snapshot, settings: PolicySettings, factor: int
) -> None:
    larger = replace(
        snapshot,
        nodes=tuple(scaled_node(node, factor) for node in snapshot.nodes),
        executions=tuple(scaled(execution, factor) for execution in snapshot.executions),
        tenants=tuple(
            replace(
                t,
                guaranteed=tuple((n, a * factor) for n, a in t.guaranteed),
                maximum=tuple((n, a * factor) for n, a in t.maximum),
                usage=replace(t.usage, amounts=tuple((n, a * factor) for n, a in t.usage.amounts)),
            )
            for t in snapshot.tenants
        ),
    )
    one, other = decide(snapshot, settings), decide(larger, settings)
    assert (one.starts, one.resizes, one.preemptions) == (
        other.starts,
        other.resizes,
        other.preemptions,
    )


@given(snapshots(), settings())
def test_no_namespace_starts_or_grows_beyond_its_quota(
    snapshot: Snapshot, settings: PolicySettings
) -> None:
    before, after = use(snapshot), use(apply(snapshot, decide(snapshot, settings)))
    for tenant in snapshot.tenants:
        for name, most in tenant.maximum:
            used = after[tenant.name].get(name, 0)
            assert used <= max(most, before[tenant.name].get(name, 0))
    lent = Counter[str]()
    for tenant in snapshot.tenants:
        if tenant.cohort:
            lent.update(dict(tenant.guaranteed))
    for name, most in lent.items():
        members = [t.name for t in snapshot.tenants if t.cohort]
        assert sum(after[m].get(name, 0) for m in members) <= max(
            most, sum(before[m].get(name, 0) for m in members)
        )


@given(snapshots(), settings())
def test_no_capacity_is_left_idle_that_somebody_could_use(
    snapshot: Snapshot, settings: PolicySettings
) -> None:
    """Work conservation: an elastic replica that would fit is refused only by a quota."""
    if settings.policy in (Policy.FIFO, Policy.EASY):
        return
    after = apply(snapshot, decide(snapshot, settings))
    free = {n.id: n.capacity - n.reserved - held(after).get(n.id, NOTHING) for n in after.nodes}
    workers = {n.id for n in after.nodes if n.is_ready and n.is_active and not n.is_manager}
    if snapshot.tenants:
        return
    for execution in after.executions:
        for component in execution.components if execution.is_admitted else ():
            is_plain = not (component.constraints or component.host_ports or component.max_per_node)
            if is_plain and execution.held.get(component.name, 0) < component.maximum:
                assert not any(component.demand.fits_in(free[node]) for node in workers)


@given(snapshots(), settings(policies=(Policy.FIFO_FLEXIBLE, Policy.LAS_FLEXIBLE, Policy.FAIR)))
def test_the_head_waits_only_if_its_core_doesnt_fit_what_is_free(
    snapshot: Snapshot, settings: PolicySettings
) -> None:
    decision = decide(snapshot, settings)
    after = apply(snapshot, decision)
    free = {n.id: n.capacity - n.reserved - held(after).get(n.id, NOTHING) for n in after.nodes}
    up = {n.id for n in after.nodes if n.is_ready and n.is_active and not n.is_manager}
    by_uid = {e.uid: e for e in after.executions}
    head = next((w for w in decision.waits if w.reason.code is ReasonCode.NO_CAPACITY), None)
    if head is None or len(by_uid[head.uid].components) > 1:
        return
    (component,) = by_uid[head.uid].components
    if component.constraints or component.host_ports or component.max_per_node:
        return
    room = sum(component.demand.how_many(free[node]) or 0 for node in up)
    asks_for_something = component.demand != NOTHING
    assert not asks_for_something or room < component.core


def use(snapshot: Snapshot) -> dict[str, Counter[str]]:
    used: dict[str, Counter[str]] = {t.name: Counter() for t in snapshot.tenants}
    for execution in snapshot.executions:
        for _, demand in execution.load:
            if execution.namespace in used:
                used[execution.namespace].update(dict(amounts_of(demand)))
    return used


def scaled_node(node: Node, factor: int) -> Node:
    return replace(node, capacity=node.capacity * factor, reserved=node.reserved * factor)


def scaled(execution: Execution, factor: int) -> Execution:
    def part(component: Component) -> Component:
        return replace(component, demand=component.demand * factor)

    return replace(execution, components=tuple(part(c) for c in execution.components))


TAKING = (Policy.FIFO_FLEXIBLE, Policy.LAS_FLEXIBLE, Policy.FAIR)


@given(snapshots(), settings(policies=TAKING))
def test_nobody_holds_elastic_replicas_that_one_of_higher_rank_could_use(
    snapshot: Snapshot, settings: PolicySettings
) -> None:
    before = pooled(snapshot)
    (node,) = before.nodes
    assume(node.capacity.cpu_millis >= 0 and node.capacity.memory_bytes >= 0)
    after = apply(before, decide(before, settings))
    free = node.capacity - held(after).get(node.id, NOTHING)
    holdings = Round(after, after.nodes, settings).holdings
    for high in holdings:
        for component in high.execution.components:
            if high.execution.held.get(component.name, 0) == component.maximum:
                continue
            for low in holdings:
                if low.key[0] > high.key[0] and not low.execution.is_filler:
                    spare = [c.demand * low.spare(c) for c in low.execution.components]
                    assert not component.demand.fits_in(sum(spare, free)) or not any(
                        makes_room(demand, component.demand, free) for demand in spare
                    )


def in_one_line(execution: Execution) -> Execution:
    return replace(execution, namespace="aml", type=ApplicationType.BATCH)


@given(snapshots(), settings(policies=(Policy.FIFO_FLEXIBLE, Policy.SIZE_FLEXIBLE, Policy.FAIR)))
def test_who_waits_last_takes_nothing_from_those_before(
    snapshot: Snapshot, settings: PolicySettings
) -> None:
    one = unpreemptible(pooled(snapshot))
    if settings.policy is Policy.FAIR:
        # Shares move with each start: who is last is settled within one line only.
        one = replace(one, executions=tuple(map(in_one_line, one.executions)))
    line = sorted(Round(one, one.nodes, settings).queue.ranked())
    if not line:
        return
    _, last = line[-1]
    fewer = replace(one, executions=tuple(e for e in one.executions if e.uid != last.uid))
    with_last = {s.uid for s in decide(one, settings).starts} - {last.uid}
    assert with_last == {s.uid for s in decide(fewer, settings).starts}


def unpreemptible(snapshot: Snapshot) -> Snapshot:
    """The same with nobody who may be stopped for another: no such class, and no fillers."""
    executions = tuple(
        replace(e, is_preemptible=False) for e in snapshot.executions if not e.is_filler
    )
    return replace(snapshot, executions=executions)


def pooled(snapshot: Snapshot) -> Snapshot:
    """The same queue on one node that has all of the cluster, with nothing that ties to a node."""
    node = Node(
        id=NodeId("n0"),
        hostname="node0",
        capacity=sum((n.capacity - n.reserved for n in snapshot.nodes), NOTHING),
    )

    def loose(execution: Execution) -> Execution:
        parts = tuple(
            replace(c, constraints=(), host_ports=(), max_per_node=0) for c in execution.components
        )
        groups = tuple(
            Allocation(component=name, node=node.id, count=count)
            for name, count in execution.held.items()
        )
        return replace(execution, components=parts, allocations=groups)

    executions = tuple(loose(e) for e in snapshot.executions)
    return replace(snapshot, nodes=(node,), executions=executions, tenants=())


def makes_room(given: Resources, wanted: Resources, free: Resources) -> bool:
    """Whether taking what is given back brings anything that is missing."""
    missing = {name for name, *_ in wanted.shortfall(free)}
    return bool(missing & {name for name, amount in amounts_of(given) if amount > 0})
