"""Why something waits, and that what is offered as a remedy is one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from policy.explain import Explanation, explain, just_ahead
from policy.model.cluster import Node, Snapshot
from policy.model.execution import (
    Allocation,
    ApplicationType,
    Component,
    Constraint,
    Estimate,
    EstimateBasis,
    Execution,
    NodeId,
    Operator,
    Uid,
)
from policy.model.reservation import Reservation
from policy.model.resources import Resources
from policy.model.tenant import Tenant, Usage
from policy.remedy.of_operator import AddNodes, LabelNode
from policy.remedy.of_others import Withdraw
from policy.scheduler import decide
from policy.settings import HOUR_MS, MINUTE_MS, Policy, PolicySettings
from tests import strategies
from tests.strategies import GIB

CLASSES = {"low": -10, "normal": 0, "high": 10}
FAIR = PolicySettings()
FIFO = PolicySettings(policy=Policy.FIFO_MALLEABLE)
TIER = Constraint(attribute="node.labels.tier", operator=Operator.EQUAL, value="gpu")


def node(name: str, *, cpus: int = 4, **fields: object) -> Node:
    capacity = Resources(cpu_millis=cpus * 1000, memory_bytes=8 * GIB)
    return replace(Node(id=NodeId(name), hostname=name, capacity=capacity), **fields)


def execution(name: str, core: int = 1, cpus: int = 1, at: int = 0, **fields: object) -> Execution:
    component = Component(
        name="worker", core=core, maximum=core, demand=Resources(cpu_millis=cpus * 1000)
    )
    made = Execution(
        uid=Uid(name),
        namespace="aml",
        name=name,
        type=ApplicationType.BATCH,
        components=(component,),
        queued_ms=at,
    )
    return replace(made, **fields)


def running(on: str, made: Execution, **fields: object) -> Execution:
    (component,) = made.components
    groups = (Allocation(component="worker", node=NodeId(on), count=component.core),)
    return replace(made, allocations=groups, started_ms=0, **fields)


def changed(made: Execution, **fields: object) -> Execution:
    (component,) = made.components
    return replace(made, components=(replace(component, **fields),))


def cluster(*executions: Execution, nodes: Iterable[Node], **fields: object) -> Snapshot:
    snapshot = Snapshot(now_ms=MINUTE_MS, nodes=tuple(nodes), executions=executions)
    return replace(snapshot, **fields)


def why(snapshot: Snapshot, uid: str, settings: PolicySettings = FAIR) -> Explanation:
    return explain(snapshot, settings, Uid(uid), priorities=CLASSES)


def fixes(snapshot: Snapshot, uid: str, settings: PolicySettings = FAIR) -> list[str]:
    return [fix.told for fix in why(snapshot, uid, settings).fixes]


@effort(max_examples=30)
@given(strategies.snapshots(calendar=True), strategies.settings(), st.data())
def test_every_remedy_starts_it_and_there_is_always_one(
    snapshot: Snapshot, settings: PolicySettings, data: st.DataObject
) -> None:
    waits = decide(snapshot, settings).waits
    if not waits or not snapshot.nodes:
        return
    wait = data.draw(st.sampled_from(waits))
    told = why(snapshot, wait.uid, settings)
    assert (told.position, told.reason) == (wait.position, wait.reason)
    assert told.fixes
    for fix in told.fixes:
        after = snapshot
        for change in fix.changes:
            after = change.applied(after, wait.uid)
        assert wait.uid in {start.uid for start in decide(after, settings).starts}, fix


@effort(max_examples=25)
@given(strategies.snapshots(calendar=True), strategies.settings())
def test_the_table_has_every_node_for_every_component_with_a_core(
    snapshot: Snapshot, settings: PolicySettings
) -> None:
    for wait in decide(snapshot, settings).waits[:2]:
        (waiting,) = [e for e in snapshot.executions if e.uid == wait.uid]
        table = why(snapshot, wait.uid, settings).table
        asked = {v.component for v in table}
        assert {c.name for c in waiting.components if c.core} <= asked or not snapshot.nodes
        assert len(table) == len(asked) * len(snapshot.nodes)


def test_who_has_its_turn_waits_for_nothing() -> None:
    told = why(cluster(execution("a"), nodes=[node("n1")]), "a")
    assert (told.position, told.reason, told.fixes) == (0, None, ())


def test_nobody_can_be_asked_about_who_doesnt_wait() -> None:
    with pytest.raises(KeyError):
        why(cluster(running("n1", execution("a")), nodes=[node("n1")]), "a")


def test_it_stands_behind_those_who_rank_higher_each_for_its_own_reason() -> None:
    full = running("n1", execution("full", cpus=4))
    known = Estimate(
        typical_ms=HOUR_MS, low_ms=1, high_ms=HOUR_MS, basis=EstimateBasis.HISTORY, samples=7
    )
    me = execution("me", cpus=4, at=5, estimate=known)
    people = execution("people", cpus=2, type=ApplicationType.INTERACTIVE)
    urgent = execution("urgent", cpus=4, priority=10)
    frugal = execution("frugal", cpus=4, namespace="bio", estimate=known)
    short = execution("short", cpus=4, estimate=replace(known, typical_ms=1000))
    earlier = execution("earlier", cpus=4, estimate=known)
    day_ms = 24 * HOUR_MS
    used = Usage(as_of_ms=MINUTE_MS, amounts=(("cpu", 1000 * day_ms),))
    snapshot = cluster(
        *(full, me, people, urgent, frugal, short, earlier),
        nodes=[node("n1")],
        tenants=(Tenant(name="aml", usage=used), Tenant(name="bio")),
    )
    told = why(snapshot, "me")
    assert [(a.name, a.because) for a in told.ahead] == [
        ("aml/urgent", "its priority is higher"),
        ("aml/people", "somebody waits in front of it"),
        ("bio/frugal", "its namespace used less lately"),
        ("aml/short", "it has less to do"),
        ("aml/earlier", "it came earlier"),
    ]
    assert (told.position, told.waiting) == (6, 6)
    assert [factor.told for factor in told.factors] == [
        "priority 0",
        "isn't interactive: those go first",
        "namespace aml used 17.3 % of the cluster lately",
        "takes about 1 h, by its history of 7 runs",
        "waits for 59 s",
        "is served next, whatever its rank, in 23 h 59 min (after 1 d of waiting)",
    ]


def test_what_has_aged_says_only_that() -> None:
    full = running("n1", execution("full", cpus=4))
    old = execution("old", cpus=4, at=-25 * HOUR_MS)
    told = why(cluster(full, old, nodes=[node("n1")]), "old")
    assert [factor.told for factor in told.factors] == [
        "has waited for more than 1 d: is served next, and room is kept for it",
        "waits for 1 d 1 h",
    ]


def test_nodes_answer_every_component_not_only_the_first_that_finds_no_place() -> None:
    large = Component(name="large", core=1, maximum=1, demand=Resources(cpu_millis=3000))
    small = Component(
        name="small", core=2, maximum=2, demand=Resources(cpu_millis=1000), constraints=(TIER,)
    )
    waiting = execution("me", components=(large, small))
    nodes = [
        node("n1", reserved=Resources(cpu_millis=2000)),
        node("n2", is_active=False),
        node("n3", labels={"tier": "gpu"}, cpus=1),
        node("n4", labels={"pool": "other"}),
    ]
    chosen = Constraint(attribute="node.labels.pool", operator=Operator.NOT_EQUAL, value="other")
    told = why(cluster(waiting, nodes=nodes), "me", replace(FAIR, node_selector=(chosen,)))
    assert [(v.component, v.hostname, v.takes, v.filter, v.message) for v in told.table] == [
        ("large", "n1", 0, "resources", "needs 3 CPUs, 2 CPUs free"),
        ("large", "n2", 0, "drain", "is drained or paused"),
        ("large", "n3", 0, "resources", "needs 3 CPUs, 1 CPU free"),
        ("large", "n4", 0, "selector", "isn't for executions: node.labels.pool != other isn't met"),
        ("small", "n1", 0, "constraints", "node.labels.tier == gpu isn't met (it has none)"),
        ("small", "n2", 0, "drain", "is drained or paused"),
        ("small", "n3", 1, "resources", "needs 1 CPU, 0 CPUs free"),
        ("small", "n4", 0, "selector", "isn't for executions: node.labels.pool != other isn't met"),
    ]


def test_a_shortfall_is_of_all_nodes_together_and_none_where_room_is_scattered() -> None:
    half = [node(f"n{n}", reserved=Resources(cpu_millis=2000)) for n in (1, 2)]
    lacking = why(cluster(execution("me", core=2, cpus=3), nodes=half), "me").reason
    assert lacking is not None
    assert lacking.shortfall == (("cpu", 2000),)
    scattered = why(cluster(execution("me", cpus=3), nodes=half), "me").reason
    assert scattered is not None
    assert scattered.shortfall == ()


def test_patience_helps_where_an_end_is_known_and_no_later_than_needed() -> None:
    ends = [running(f"n{n}", execution(f"r{n}", cpus=4), ends_ms=n * HOUR_MS) for n in (1, 2, 3)]
    snapshot = cluster(*ends, execution("me", core=2, cpus=4), nodes=map(node, ("n1", "n2", "n3")))
    told = why(snapshot, "me")
    assert told.fixes[0].told == "wait until aml/r2 and aml/r1 end"
    (wait,) = told.fixes[0].changes
    assert (wait.kind, getattr(wait, "until_ms", None)) == ("wait", 2 * HOUR_MS)


def test_asking_for_less_is_offered_as_the_most_that_fits() -> None:
    busy = running("n1", execution("busy", cpus=3))
    snapshot = cluster(busy, execution("me", core=4, cpus=2), nodes=map(node, ("n1", "n2")))
    assert "ask for a core of at most 2 replicas of worker" in fixes(snapshot, "me")
    assert "ask for at most 1 CPU per replica of worker" in fixes(snapshot, "me")
    rigid = replace(FAIR, policy=Policy.FIFO)
    assert "ask for at most 2 replicas of worker" in fixes(snapshot, "me", rigid)


def test_the_lowest_class_that_is_high_enough_is_offered() -> None:
    big = execution("big", cpus=8)
    busy = running("n1", execution("busy", cpus=3))
    snapshot = cluster(busy, big, execution("me", at=1, priority=-10), nodes=[node("n1", cpus=8)])
    assert "priority high" in fixes(snapshot, "me", FIFO)
    assert "withdraw aml/big" in fixes(snapshot, "me", FIFO)


def test_only_those_ahead_that_matter_are_to_be_withdrawn() -> None:
    queue = [execution(f"e{n}", cpus=1 if n else 4, at=n) for n in range(4)]
    reserved = node("n1", reserved=Resources(cpu_millis=3000))
    told = why(cluster(*queue, execution("me", at=9), nodes=[reserved]), "me", FIFO)
    (withdraw,) = [c for fix in told.fixes for c in fix.changes if isinstance(c, Withdraw)]
    assert withdraw.uids == ("e0", "e1", "e2", "e3")
    roomy = node("n1", reserved=Resources(cpu_millis=0), cpus=5)
    busy = running("n1", execution("busy", cpus=2))
    told = why(cluster(busy, *queue, execution("me", at=9), nodes=[roomy]), "me", FIFO)
    (withdraw,) = [c for fix in told.fixes for c in fix.changes if isinstance(c, Withdraw)]
    assert withdraw.uids != ()
    assert len(withdraw.uids) < 4


def test_a_drained_and_a_lost_node_taken_back_help() -> None:
    me = execution("me", cpus=4)
    full = running("n1", execution("full", cpus=4))
    drained = cluster(full, me, nodes=[node("n1"), node("n2", is_active=False)])
    assert "uncordon n2" in fixes(drained, "me")
    lost = cluster(full, me, nodes=[node("n1"), node("n2", is_ready=False)])
    assert "bring n2 back" in fixes(lost, "me")


def test_an_unmet_constraint_is_met_by_a_label_or_dropped() -> None:
    me = changed(execution("me"), constraints=(TIER,))
    told = why(cluster(me, nodes=[node("n1")]), "me")
    assert [fix.told for fix in told.fixes] == [
        "don't ask for node.labels.tier == gpu in worker",
        "label n1 tier=gpu",
    ]
    label = told.fixes[1].changes[0]
    assert label == LabelNode(node=NodeId("n1"), hostname="n1", labels=(("tier", "gpu"),))
    unlike = Constraint(attribute="node.labels.tier", operator=Operator.NOT_EQUAL, value="gpu")
    me = changed(execution("me"), constraints=(unlike,))
    snapshot = cluster(me, nodes=[node("n1", labels={"tier": "gpu"})])
    assert "take the label tier off n1" in fixes(snapshot, "me")


def test_ports_storage_and_replicas_per_node_are_named() -> None:
    taken = node("n1", taken_ports=frozenset({(8080, "tcp")}))
    port = changed(execution("me"), host_ports=((8080, "tcp"),))
    assert "let worker have any port instead of 8080/tcp" in fixes(
        cluster(port, nodes=[taken]), "me"
    )
    tied = changed(execution("me"), only_nodes=frozenset({NodeId("n9")}))
    assert "storage for worker that all nodes share" in fixes(
        cluster(tied, nodes=[node("n1")]), "me"
    )
    spread = changed(execution("me", core=2), max_per_node=1)
    assert "allow 2 replicas of worker per node" in fixes(cluster(spread, nodes=[node("n1")]), "me")


def test_a_quota_is_raised_by_just_what_lacks() -> None:
    busy = running("n1", execution("busy", cpus=3))
    me = execution("me", cpus=2)
    own = Tenant(name="aml", maximum=(("cpu", 4000),))
    snapshot = cluster(busy, me, nodes=[node("n1", cpus=16)], tenants=(own,))
    assert "raise the quota's maximum of namespace aml to 5 CPUs" in fixes(snapshot, "me")
    few = Tenant(name="aml", maximum_executions=1)
    snapshot = replace(snapshot, tenants=(few,))
    assert "let namespace aml run 2 executions" in fixes(snapshot, "me")
    lent = Tenant(name="aml", cohort="lab", guaranteed=(("cpu", 3000),))
    snapshot = replace(snapshot, tenants=(lent, Tenant(name="bio", cohort="lab")))
    assert "guarantee namespace aml 5 CPUs" in fixes(snapshot, "me")


def test_as_few_nodes_as_it_takes_like_one_that_is_there() -> None:
    me = execution("me", core=5, cpus=2)
    told = why(cluster(me, nodes=[node("n1", labels={"rack": "a"})]), "me")
    (add,) = [c for fix in told.fixes for c in fix.changes if isinstance(c, AddNodes)]
    assert (add.count, add.like) == (2, "n1")
    assert add.told == "2 more nodes like n1 (4 CPUs, 8 GiB memory)"


def test_what_no_node_like_these_could_take_gets_one_described() -> None:
    me = changed(
        execution("me"),
        demand=Resources.of(cpu_millis=1000, generic=[("gpu", 2)]),
        constraints=(TIER,),
    )
    assert fixes(cluster(me, nodes=[node("n1")]), "me") == [
        "one more node with 1 CPU, 2 gpu, labelled tier=gpu"
    ]


def test_what_takes_two_changes_is_offered_as_both() -> None:
    own = Tenant(name="aml", maximum=(("cpu", 4000),))
    me = execution("me", cpus=64)
    assert fixes(cluster(me, nodes=[node("n1")], tenants=(own,)), "me") == [
        "ask for at most 4 CPUs per replica of worker"
    ]
    tied = changed(me, constraints=(TIER,))
    assert fixes(cluster(tied, nodes=[node("n1")], tenants=(own,)), "me") == [
        "one more node with 64 CPUs, labelled tier=gpu, "
        "and raise the quota's maximum of namespace aml to 64 CPUs"
    ]


def test_a_reservation_is_waited_for_or_done_without() -> None:
    lab = Reservation(name="lab", starts_ms=HOUR_MS, ends_ms=2 * HOUR_MS)
    guest = execution("me", reservation="lab")
    assert fixes(cluster(guest, nodes=[node("n1")], reservations=(lab,)), "me")[0] == (
        "wait for the window of lab"
    )
    unknown = execution("me", reservation="nowhere")
    assert fixes(cluster(unknown, nodes=[node("n1")]), "me") == [
        "don't ask for reservation nowhere"
    ]
    other = cluster(execution("me"), nodes=[node("n1")], reservations=(lab,))
    assert fixes(other, "me")[:3] == [
        "a lifetime of at most 59 min",
        "wait for the end of lab's window",
        "give up reservation lab",
    ]


@pytest.mark.parametrize("policy", Policy)
def test_of_two_alike_only_the_earlier_is_said_to_have_come_earlier(policy: Policy) -> None:
    full, early, late = (execution(n, cpus=4, at=at) for at, n in enumerate(["full", "a", "b"]))
    both = cluster(running("n1", full), early, late, nodes=[node("n1")])
    settings = PolicySettings(policy=policy)
    waits = decide(both, settings).waits
    ((second, (first,)),) = [
        (uid, ahead) for uid, ahead in just_ahead(waits, both, settings, most=1).items() if ahead
    ]
    assert (first.because == "it came earlier") == (second == late.uid), (
        f"_names of policy/standing.py lacks a part of {policy}'s tier (policy/rank.py)"
    )


def test_who_can_never_start_is_passed_by_those_that_can() -> None:
    full = running("n1", execution("full", cpus=4))
    wide, late = execution("wide", cpus=9, at=1), execution("late", cpus=4, at=2)
    told = explain(cluster(full, wide, late, nodes=[node("n1")]), FIFO, wide.uid)
    (ahead,) = told.ahead
    assert (ahead.uid, ahead.because) == (late.uid, "it can start, which this one can't")


@effort(max_examples=10, deadline=None)
@given(strategies.snapshots(), strategies.settings())
def test_who_is_just_ahead_is_told_for_all_at_once_as_for_each(
    snapshot: Snapshot, settings: PolicySettings
) -> None:
    waits = decide(snapshot, settings).waits
    found = just_ahead(waits, snapshot, settings, most=3)
    assert found.keys() == {wait.uid for wait in waits}
    for last in waits[-1:]:  # an explanation takes its time
        assert found[last.uid] == explain(snapshot, settings, last.uid).ahead[:-4:-1]
