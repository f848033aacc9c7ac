"""What holds for every policy when it is played (invariants 14 and 15 of the scheduling notes)."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.model.cluster import Snapshot
from policy.model.decision import Decision
from policy.model.execution import Allocation, Execution, NodeId, Uid
from policy.progress import speed
from policy.scheduler import decide
from policy.settings import Policy, PolicySettings
from policy.simulator.application import Application, Kind
from policy.simulator.engine import Engine
from policy.simulator.job import Job
from policy.simulator.knowledge import Estimates, Knowledge
from policy.simulator.machines import Machines
from policy.simulator.record import Run
from tests.strategies import apply
from tests.workloads import SECOND, application, pool, with_classes, workloads

CPUS = 8
policies = st.sampled_from(list(Policy))
knowledges = st.sampled_from(list(Estimates))
classed = workloads(cpus=CPUS).flatmap(with_classes)


def play(
    applications: list[Application],
    policy: Policy,
    machines: Machines | None = None,
    *,
    knowledge: Knowledge | None = None,
) -> Run:
    nodes = (machines or pool(CPUS)).nodes()
    return Engine(PolicySettings(policy=policy), nodes).run(applications, knowledge=knowledge)


def informed(kind: Estimates) -> Knowledge:
    return Knowledge(kind)


@given(classed, policies, knowledges)
def test_everything_that_fits_runs_and_ends(
    applications: list[Application], policy: Policy, kind: Estimates
):
    engine = Engine(PolicySettings(policy=policy), pool(CPUS).nodes())
    run = engine.run(applications, knowledge=informed(kind))
    assert run.records.keys() == {a.execution.uid for a in applications}
    for record in run.records.values():
        assert record.started_ms is not None
        assert record.ended_ms is not None
        assert record.queued_ms <= record.started_ms <= record.ended_ms


@given(classed, policies)
def test_nothing_is_faster_than_alone_on_the_cluster(
    applications: list[Application], policy: Policy
):
    for record in play(applications, policy).records.values():
        assert record.turnaround_ms is not None
        assert record.runtime_ms is not None
        assert record.turnaround_ms >= record.runtime_ms


class Meter:
    """Adds up, from outside, what each execution does; and looks at every decision."""

    def __init__(self, capacity_millis: int) -> None:
        self.capacity_millis = capacity_millis
        self.work: dict[Uid, int] = {}
        self.running: tuple[Execution, ...] = ()
        self.now_ms = 0

    def __call__(self, snapshot: Snapshot, decision: Decision) -> None:
        passed = snapshot.now_ms - self.now_ms
        for execution in self.running:
            done = speed(execution, execution.held) * passed
            self.work[execution.uid] = self.work.get(execution.uid, 0) + done
        for preemption in decision.preemptions:
            self.work.pop(preemption.uid, None)
        after = apply(snapshot, decision)
        self.running = tuple(e for e in after.executions if e.is_admitted)
        self.now_ms = snapshot.now_ms
        assert sum(1000 * sum(e.held.values()) for e in self.running) <= self.capacity_millis
        assert all(speed(e, e.held) for e in self.running), "a gang is whole or absent"


@given(classed, policies)
def test_as_much_work_is_done_as_there_was(applications: list[Application], policy: Policy):
    meter = Meter(CPUS * 1000)
    Engine(PolicySettings(policy=policy), pool(CPUS).nodes(), observe=meter).run(applications)
    for a in applications:
        # The last millisecond is counted whole.
        assert a.work is not None
        assert 0 <= meter.work.get(a.execution.uid, 0) - a.work < 1000 * CPUS


@given(workloads(cpus=CPUS, is_rigid=True))
def test_without_elastic_replicas_flexible_is_rigid(applications: list[Application]):
    rigid = play(applications, Policy.FIFO)
    flexible = play(applications, Policy.FIFO_FLEXIBLE)
    assert flexible.records == rigid.records


@given(workloads(cpus=CPUS), st.sampled_from([Policy.FIFO, Policy.EASY]), knowledges)
def test_a_rigid_policy_is_the_same_whatever_is_core(
    applications: list[Application], policy: Policy, kind: Estimates
):
    engine = Engine(PolicySettings(policy=policy), pool(CPUS).nodes())
    elastic = engine.run(applications, knowledge=informed(kind))
    rigid = engine.run([all_core(a) for a in applications], knowledge=informed(kind))
    assert {u: r.ended_ms for u, r in elastic.records.items()} == {
        u: r.ended_ms for u, r in rigid.records.items()
    }


def test_what_a_rigid_policy_keeps_for_the_head_counts_elastic_replicas_as_held():
    """At 100 s five of eight are free, which is what the head needs: nothing is left beside it."""
    run = play(
        [
            application("ends-first", 1, 2, 100),
            application("ends-later", 1, 2, 200),
            application("head", 5, 0, 10, at_s=1),
            application("long", 2, 0, 1000, at_s=2),
        ],
        Policy.EASY,
        knowledge=informed(Estimates.EXACT),
    )
    assert run.records[Uid("head")].started_ms == 100 * SECOND
    assert run.records[Uid("long")].started_ms == 110 * SECOND


def all_core(application: Application) -> Application:
    execution = application.execution
    components = tuple(replace(c, core=c.maximum) for c in execution.components)
    return replace(application, execution=replace(execution, components=components))


@given(workloads(cpus=CPUS), policies)
def test_with_room_for_all_each_runs_as_if_alone(applications: list[Application], policy: Policy):
    run = play(applications, policy, pool(CPUS * len(applications)))
    for record in run.records.values():
        assert record.turnaround_ms == record.runtime_ms
        assert (record.waited_ms, record.revocations, record.preemptions) == (0, 0, 0)


@given(classed, policies, st.randoms(use_true_random=False))
def test_the_order_of_the_input_is_irrelevant(
    applications: list[Application], policy: Policy, chance: random.Random
):
    shuffled = list(applications)
    chance.shuffle(shuffled)
    assert play(shuffled, policy).records == play(applications, policy).records


@given(classed, policies, knowledges)
def test_a_recorded_snapshot_is_decided_on_as_it_was(
    applications: list[Application], policy: Policy, kind: Estimates
):
    """Live and simulated are the same: the snapshot alone decides, not what was kept beside it."""
    recorded: list[tuple[Snapshot, Decision]] = []
    settings = PolicySettings(policy=policy)
    engine = Engine(settings, pool(CPUS).nodes(), observe=lambda *seen: recorded.append(seen))
    engine.run(applications, knowledge=informed(kind))
    for snapshot, decision in recorded:
        afresh = replace(snapshot, executions=tuple(replace(e) for e in snapshot.executions))
        assert decide(afresh, settings) == decision


def test_what_runs_on_as_before_is_the_same_in_each_snapshot_and_gets_on():
    job = Job.of(application("a", 2, 2, 60), 0)
    job.start((Allocation(component="worker", node=NodeId("pool"), count=3),), 5 * SECOND)
    seen = job.execution
    assert (seen.done(5 * SECOND), seen.done(12 * SECOND)) == (0, 7 * 3 * 1000 * SECOND)
    job.resize((Allocation(component="worker", node=NodeId("pool"), count=2),), 12 * SECOND)
    assert job.execution.done(13 * SECOND) == (7 * 3 + 2) * 1000 * SECOND


@given(classed, policies, knowledges)
def test_being_watched_changes_nothing(
    applications: list[Application], policy: Policy, kind: Estimates
):
    settings, nodes = PolicySettings(policy=policy), pool(CPUS).nodes()
    watched = Engine(settings, nodes, observe=lambda *_: None)
    alone = Engine(settings, nodes)
    assert (
        watched.run(applications, knowledge=informed(kind)).records
        == alone.run(applications, knowledge=informed(kind)).records
    )


def test_arrivals_of_the_same_instant_are_one_decision():
    arrivals: list[int] = []
    engine = Engine(
        PolicySettings(policy=Policy.FIFO),
        pool(CPUS).nodes(),
        observe=lambda snapshot, _: arrivals.append(len(snapshot.executions)),
    )
    engine.run([application(f"a{n:02d}", 1, 0, 10, at_s=3) for n in range(27)])
    assert arrivals[0] == 27


def test_what_never_fits_is_told_and_holds_up_nobody():
    run = play([application("huge", 9, 0, 10), application("small", 1, 0, 10)], Policy.FIFO)
    huge, small = run.records[Uid("huge")], run.records[Uid("small")]
    assert (huge.started_ms, huge.ended_ms, huge.reason) == (None, None, "NeverFits")
    assert small.ended_ms == 10 * SECOND


def test_a_lifetime_ends_what_does_not_end_by_itself():
    endless = application("notebook", 1, 0, 0)
    endless = replace(
        endless, runtime_ms=None, execution=replace(endless.execution, lifetime_ms=30 * SECOND)
    )
    run = play([endless, application("next", 8, 0, 5, at_s=1)], Policy.FIFO)
    assert run.records[Uid("notebook")].ended_ms == 30 * SECOND
    assert run.records[Uid("next")].started_ms == 30 * SECOND


def test_it_goes_on_from_what_runs_already():
    """Forecasts begin in the middle: 6 of 10 seconds are done, two replicas are held."""
    started = application("runs", 2, 0, 10)
    group = Allocation(component="worker", node=NodeId("pool"), count=2)
    running = replace(
        started,
        execution=replace(
            started.execution, allocations=(group,), started_ms=0, work=6 * 2000 * SECOND
        ),
    )
    run = Engine(PolicySettings(policy=Policy.FIFO), pool(2).nodes()).run(
        [running, application("waits", 1, 0, 10, at_s=1)], from_ms=6 * SECOND, until_started=True
    )
    assert running.execution.work == 6 * 2000 * SECOND, "what was handed in stays as it is"
    assert run.records[Uid("runs")].ended_ms == 10 * SECOND
    waits = run.records[Uid("waits")]
    assert (waits.started_ms, waits.waited_ms, waits.ended_ms) == (10 * SECOND, 9 * SECOND, None)


def test_a_quantum_bounds_the_decisions_at_the_price_of_starts_that_are_off():
    applications = [application(f"a{n:03d}", 1, 0, 1000 + n) for n in range(200)]
    exact = play(applications, Policy.FIFO, pool(1))
    settings = PolicySettings(policy=Policy.FIFO)
    coarse = Engine(settings, pool(100).nodes(), quantum_permille=100).run(applications)
    fine = Engine(settings, pool(100).nodes()).run(applications)
    assert exact.decisions == fine.decisions == 201
    assert coarse.decisions < 10
    for uid, record in fine.records.items():
        start = coarse.records[uid].started_ms
        assert record.started_ms is not None
        assert start is not None
        assert abs(start - record.started_ms) <= record.started_ms * 0.11


def test_ends_are_learned_from():
    """A run teaches about those of that name in the namespace, and not about others."""
    knowledge = informed(Estimates.NONE)
    seen: dict[Uid, int | None] = {}

    def look(snapshot: Snapshot, _: Decision) -> None:
        for e in snapshot.executions:
            seen[e.uid] = None if e.estimate is None else e.estimate.typical_ms

    known = [application(f"t{n}", 1, 0, 10, at_s=100 * n) for n in range(4)]
    other = application("t9", 1, 0, 10, at_s=301, namespace="bio")
    engine = Engine(PolicySettings(policy=Policy.FIFO), pool(1).nodes(), observe=look)
    engine.run([*known, other], knowledge=knowledge)
    assert seen == {
        Uid("t0"): None,
        Uid("t1"): 10 * SECOND,
        Uid("t2"): 10 * SECOND,
        Uid("t3"): 10 * SECOND,
        Uid("t9"): None,
    }


def test_half_a_cluster_held_all_the_time_is_an_allocation_of_half():
    run = play([application("a", 4, 0, 100), application("last", 1, 0, 0, at_s=100)], Policy.FIFO)
    assert run.occupancy.window_ms == 100 * SECOND
    assert dict(run.occupancy.permille) == {"cpu": 500}


@pytest.mark.parametrize(("core", "elastic", "kind"), [(1, 1, Kind.ELASTIC), (2, 0, Kind.RIGID)])
def test_classes_are_told_apart(core: int, elastic: int, kind: Kind):
    assert application("a", core, elastic, 1).kind is kind


def test_a_curve_slows_down_what_has_less_than_all():
    """Half the replicas give three quarters of the speed, so it takes a third longer."""
    curved = application("a", 1, 3, 30, speedup=(1000, 1500, 1800, 2000))
    run = play([curved], Policy.FIFO_FLEXIBLE, pool(2))
    assert run.records[Uid("a")].ended_ms == 40 * SECOND
