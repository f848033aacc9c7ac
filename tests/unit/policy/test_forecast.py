"""When executions start: exact where everything is known, honest where it isn't."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import example, given
from hypothesis import strategies as st

from policy.forecast import FITS_NOW, Expected, forecast
from policy.model.cluster import Snapshot
from policy.model.decision import Decision
from policy.model.execution import Allocation, Estimate, EstimateBasis, Execution, NodeId, Uid
from policy.model.reservation import Reservation
from policy.model.tenant import Tenant
from policy.settings import HOUR_MS, MINUTE_MS, Policy, PolicySettings
from policy.simulator.application import Application
from policy.simulator.engine import Engine
from policy.simulator.knowledge import Estimates, Knowledge, exact
from policy.simulator.record import Run
from tests import strategies
from tests.workloads import SECOND, application, cpu, pool, workloads

CPUS = 8
FIFO = PolicySettings(policy=Policy.FIFO)
FAIR = PolicySettings()


def waiting(name: str, cpus: int, runtime_s: int | None = None, *, at_s: int = 0) -> Execution:
    made = application(name, cpus, 0, runtime_s or 1, at_s=at_s).execution
    return made if runtime_s is None else known(made, runtime_s, runtime_s, runtime_s)


def known(execution: Execution, low_s: int, typical_s: int, high_s: int) -> Execution:
    told = Estimate(
        low_ms=low_s * SECOND,
        typical_ms=typical_s * SECOND,
        high_ms=high_s * SECOND,
        basis=EstimateBasis.HISTORY,
        samples=7,
    )
    return replace(execution, estimate=told)


def running(execution: Execution, **fields: int) -> Execution:
    (component,) = execution.components
    group = Allocation(component="worker", node=NodeId("pool"), count=component.core)
    return replace(execution, allocations=(group,), started_ms=0, **fields)


def cluster(*executions: Execution, cpus: int = CPUS, **fields: object) -> Snapshot:
    snapshot = Snapshot(now_ms=10 * SECOND, nodes=pool(cpus).nodes(), executions=executions)
    return replace(snapshot, **fields)


def expected(snapshot: Snapshot, uid: str, settings: PolicySettings = FAIR) -> Expected:
    (found,) = [e for e in forecast(snapshot, settings) if e.uid == uid]
    return found


def play(
    applications: list[Application], settings: PolicySettings, at: int
) -> tuple[Run, Snapshot | None]:
    """A run with exact knowledge, and the snapshot of its ``at``-th decision after all arrived."""
    last_ms = max(a.execution.queued_ms for a in applications)
    seen: list[Snapshot] = []

    def observe(snapshot: Snapshot, _decision: Decision) -> None:
        if snapshot.now_ms >= last_ms:
            seen.append(snapshot)

    engine = Engine(settings, pool(CPUS).nodes(), observe=observe)
    run = engine.run(applications, knowledge=Knowledge(Estimates.EXACT))
    return run, seen[at] if at < len(seen) else None


LATELY_USED = [
    application("a0", 1, 0, 1),
    application("a1", 1, 0, 1),
    application("a2", 1, 0, 1, at_s=5),
    application("a3", 1, 2, 60),
    application("a4", 1, 2, 1000, namespace="bio"),
    application("a5", 2, 0, 1000),
    application("a6", 3, 0, 1),
    application("a7", 3, 2, 60),
]
"""What those who run used just before the snapshot decides between the namespaces."""


@example(LATELY_USED, Policy.FAIR, 0)
@given(
    workloads(cpus=CPUS),
    st.sampled_from([Policy.FIFO, Policy.EASY, Policy.FIFO_FLEXIBLE, Policy.FAIR]),
    st.integers(0, 4),
)
def test_with_exact_runtimes_it_is_what_then_happens(
    applications: list[Application], policy: Policy, at: int
) -> None:
    applications = [replace(a, runtime_ms=max(SECOND, a.runtime_ms or 0)) for a in applications]
    settings = PolicySettings(policy=policy)
    run, snapshot = play(applications, settings, at)
    if snapshot is None:
        return
    told = {e.uid: (e.low_ms, e.at_ms, e.high_ms) for e in forecast(snapshot, settings)}
    starts = {e.uid: run.records[e.uid].started_ms for e in snapshot.executions}
    assert told == {uid: (starts[uid],) * 3 for uid in told}


@given(strategies.snapshots(calendar=True), strategies.settings())
def test_everybody_who_waits_is_told_a_start_or_why_not(
    snapshot: Snapshot, settings: PolicySettings
) -> None:
    told = forecast(snapshot, settings)
    assert {e.uid for e in told} == {e.uid for e in snapshot.executions if not e.is_admitted}
    for start in told:
        if start.at_ms is None:
            assert start.because
            continue
        assert start.basis
        assert start.low_ms is not None
        assert snapshot.now_ms <= start.low_ms <= start.at_ms
        assert start.high_ms is None or start.at_ms <= start.high_ms


def test_what_fits_starts_now_whatever_else_is_unknown() -> None:
    snapshot = cluster(waiting("a", 4), running(waiting("b", 4)))
    now_ms = snapshot.now_ms
    assert expected(snapshot, "a") == Expected(
        uid=Uid("a"), at_ms=now_ms, low_ms=now_ms, high_ms=now_ms, basis=FITS_NOW
    )


def test_who_joined_the_queue_after_the_cluster_was_read_is_told_too() -> None:
    """Nodes and tasks are read first, and what is new is queued a moment later, in one pass."""
    later = [waiting("a", 4, 60, at_s=11), waiting("b", 4, 60, at_s=12)]
    assert {e.uid: e.basis for e in forecast(cluster(*later), FAIR)} == {
        "a": FITS_NOW,
        "b": FITS_NOW,
    }
    assert expected(cluster(*later, running(waiting("c", 4, 20))), "b").at_ms == 30 * SECOND


def test_it_rests_on_the_weakest_of_what_ends_before() -> None:
    long_ms = 10 * MINUTE_MS
    busy = running(waiting("busy", CPUS), ends_ms=long_ms)
    told = expected(cluster(busy, waiting("next", 4)), "next")
    assert (told.at_ms, told.basis) == (long_ms, "lifetimes")
    busy = running(known(waiting("busy", CPUS), 60, 120, 300))
    told = expected(cluster(busy, waiting("next", 4)), "next")
    assert told.basis == "estimates of running work (history of 7 runs)"
    assert (told.low_ms, told.at_ms, told.high_ms) == (70_000, 130_000, 310_000)
    exactly = replace(busy, estimate=exact(20_000))
    assert expected(cluster(exactly, waiting("next", 4)), "next").basis == "known runtimes"


def test_the_snapshot_is_left_as_it_was() -> None:
    busy = running(known(waiting("busy", CPUS), 60, 120, 300))
    snapshot = cluster(busy, waiting("next", 4), waiting("last", CPUS))
    first = forecast(snapshot, FAIR)
    assert busy.work == 0
    assert forecast(snapshot, FAIR) == first


def test_what_has_its_place_but_hasnt_started_ends_a_lifetime_from_now() -> None:
    starting = replace(running(waiting("busy", CPUS)), started_ms=None, lifetime_ms=HOUR_MS)
    told = expected(cluster(starting, waiting("next", 4)), "next")
    assert told.at_ms == 10 * SECOND + HOUR_MS


def test_behind_what_never_ends_the_start_is_unknown_and_it_says_because_of_whom() -> None:
    told = expected(cluster(running(waiting("busy", CPUS)), waiting("next", 4)), "next")
    assert (told.at_ms, told.because) == (
        None,
        "unknown, because aml/busy has no lifetime and nothing is known of how long it runs",
    )


def test_what_can_never_fit_is_told_apart_and_holds_up_nobody() -> None:
    snapshot = cluster(waiting("giant", 99), waiting("small", 1, at_s=1))
    assert expected(snapshot, "giant").because.startswith("never as things are: doesn't fit even")
    assert expected(snapshot, "small").basis == FITS_NOW


def test_a_quota_lets_it_start_when_its_own_have_ended() -> None:
    tenant = Tenant(name="aml", maximum=(("cpu", 4000),))
    mine = running(waiting("mine", 4), ends_ms=HOUR_MS)
    snapshot = cluster(mine, waiting("next", 2), tenants=(tenant,))
    assert expected(snapshot, "next").at_ms == HOUR_MS


def test_a_window_is_waited_for() -> None:
    window = Reservation(name="lab", starts_ms=HOUR_MS, ends_ms=2 * HOUR_MS, slots=1, slot=cpu(4))
    guest = replace(waiting("guest", 2), reservation="lab")
    told = expected(cluster(guest, reservations=(window,)), "guest")
    assert (told.at_ms, told.basis) == (HOUR_MS, "the calendar and the policy's clock")


def test_beyond_the_horizon_it_says_so() -> None:
    busy = running(waiting("busy", CPUS), ends_ms=100 * 24 * HOUR_MS)
    told = expected(cluster(busy, waiting("next", 4)), "next")
    assert told.because == "not within 14 days, by what is known now"


def test_only_so_many_of_the_queue_are_played() -> None:
    queue = [waiting(f"e{number}", CPUS, 60, at_s=number) for number in range(5)]
    told = forecast(cluster(*queue), FIFO, most=3)
    assert [start.at_ms is None for start in told] == [False, False, False, True, True]
    assert told[-1].because == "unknown, because 3 others come first"


def test_a_long_queue_is_answered_coarsely_and_the_interval_admits_it() -> None:
    queue = []
    for number in range(240):
        runtime_s = 30 + 7 * number % 271
        one = application(f"e{number:03}", 1 + number % 3, 0, 60).execution
        queue.append(known(one, runtime_s, runtime_s, runtime_s))
    exactly = {e.uid: e.at_ms or 0 for e in forecast(cluster(*queue[:100]), FIFO)}
    coarse = [e for e in forecast(cluster(*queue), FIFO) if e.uid in exactly]
    assert all("roughly" in e.basis for e in coarse if e.basis != FITS_NOW)
    within = sum((e.low_ms or 0) <= exactly[e.uid] <= (e.high_ms or 0) for e in coarse)
    assert within >= 0.8 * len(coarse)
