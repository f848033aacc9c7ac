"""What is written when an allocation changes, and what it adds up to."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from policy.model.decision import Decision, Resize
from policy.model.execution import Allocation, Component, Execution, NodeId, Uid
from policy.model.tenant import Usage
from policy.settings import PolicySettings
from reconciler.converge.accounting import (
    Account,
    Progress,
    Use,
    held_in_all,
    progress_of,
    settle,
    usage_now,
    work_by,
)
from reconciler.converge.history import application_of, expected
from reconciler.converge.instants import epoch_ms
from reconciler.converge.ledger import Ending, EndReason, Record
from tests.builders import NOW, batch, interactive, resources, service

UID = Uid("00000000000000aa")
START_MS = epoch_ms(NOW)
SPEC = interactive(service(core=1, maximum=4))
BATCH = batch(service(core=1, maximum=4, completes=True))


def groups(count: int) -> tuple[Allocation, ...]:
    return (Allocation(component="main", node=NodeId("n1"), count=count),)


def running(**fields: object) -> Record:
    base = Record(
        uid=UID,
        run=1,
        first_seen_at=NOW,
        queued_at=NOW,
        attempt=1,
        attempt_open=True,
        started_at=NOW,
    )
    return replace(base, **fields)


def account(**fields: object) -> Account:
    base = Account(
        namespace="aml",
        name="job",
        before=running(),
        after=running(),
        spec=SPEC,
        held=groups(1),
        given=groups(1),
    )
    return replace(base, **fields)


def settled(moved: Account, known: Progress | None = None, *, after_s: int = 0) -> object:
    rows, _ = settle(
        [moved],
        {UID: known} if known else {},
        Decision(),
        (),
        NOW + timedelta(seconds=after_s),
    )
    return rows.get(UID, "unwritten")


def test_time_alone_writes_nothing() -> None:
    assert settled(account(), Progress(work=5, as_of_ms=START_MS), after_s=60) == "unwritten"


def test_a_resize_settles_what_was_done_before_it() -> None:
    known = Progress(work=7, as_of_ms=START_MS, rate=3000)
    found = settled(account(held=groups(3), given=groups(1)), known, after_s=2)
    assert found == Progress(work=7 + 3 * 1000 * 2000, as_of_ms=START_MS + 2000, rate=1000)


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(0, 10_000)), max_size=8))
def test_work_adds_up_exactly_over_any_mixture_of_grants(spans: list[tuple[int, int]]) -> None:
    progress, now, total, before = Progress(as_of_ms=START_MS), NOW, 0, 0
    for count, span_ms in [*spans, (0, 0)]:
        moved = account(held=groups(before), given=groups(count))
        rows, _ = settle([moved], {UID: progress}, Decision(), (), now)
        progress = rows.get(UID) or progress
        now += timedelta(milliseconds=span_ms)
        total += count * 1000 * span_ms
        before = count
    assert progress.work == total


def test_a_declared_curve_counts_instead_of_the_replicas() -> None:
    spec = interactive(service(core=1, maximum=2, speedup=(1000, 1500)))
    assert progress_of(None, running(), spec, groups(2)).rate == 1500


def test_without_a_row_it_counts_from_the_start() -> None:
    assert work_by(progress_of(None, running(), SPEC, groups(2)), START_MS + 10) == 20_000


def test_nothing_is_done_before_the_core_is_up() -> None:
    waiting = running(started_at=None)
    assert work_by(progress_of(None, waiting, SPEC, groups(4)), START_MS + 99) == 0


def test_a_batch_begins_at_nothing_again_and_a_notebook_keeps_what_it_served() -> None:
    ended = running(attempt_open=False, started_at=None)
    known = Progress(work=5, as_of_ms=START_MS, rate=1000, grown_ms=1, shrunk_ms=2)
    lost = account(after=ended, spec=BATCH, given=())
    assert settled(lost, known, after_s=1) == Progress(as_of_ms=START_MS + 1000)
    stopped = account(after=ended, given=())
    kept = Progress(work=5 + 1_000_000, as_of_ms=START_MS + 1000)
    assert settled(stopped, known, after_s=1) == kept


def test_what_is_over_leaves_no_row_and_a_completed_batch_its_full_rate_runtime() -> None:
    ending = Ending(reason=EndReason.COMPLETED, at=NOW, code=0)
    over = running(attempt_open=False, started_at=None, ended=ending)
    done = account(after=over, spec=BATCH, held=groups(2), given=())
    known = {UID: Progress(as_of_ms=START_MS, rate=2000)}
    rows, runtimes = settle([done], known, Decision(), (), NOW + timedelta(seconds=60))
    assert rows == {UID: None}
    # Half of its replicas for a minute: all four would have taken half of that.
    (runtime,) = runtimes
    assert (runtime.application, runtime.runtime_ms) == ("/job", 30_000)


def test_what_failed_tells_nothing_of_how_long_it_takes() -> None:
    ending = Ending(reason=EndReason.NON_ZERO_EXIT, at=NOW, code=1)
    over = running(attempt_open=False, started_at=None, ended=ending)
    done = account(after=over, spec=BATCH, given=())
    assert settle([done], {}, Decision(), (), NOW)[1] == ()


def test_a_decided_change_is_remembered_and_a_lost_node_is_no_reason_to_cool_down() -> None:
    execution = Execution(
        uid=UID,
        namespace="aml",
        name="job",
        type=SPEC.type,
        components=(Component(name="main", core=1, maximum=4, demand=resources(cpus=1)),),
        queued_ms=0,
        allocations=groups(3),
    )
    shrunk = Decision(resizes=(Resize(uid=UID, allocations=groups(2)),))
    moved = account(held=groups(3), given=groups(2))
    rows, _ = settle([moved], {}, shrunk, (execution,), NOW)
    assert rows == {UID: Progress(as_of_ms=START_MS, rate=2000, shrunk_ms=START_MS)}
    written_off, _ = settle([moved], {}, Decision(), (execution,), NOW)
    assert written_off == {UID: Progress(as_of_ms=START_MS, rate=2000)}


def test_use_is_what_a_namespaces_executions_hold_and_fades() -> None:
    settings = PolicySettings(half_life_ms=3_600_000)
    before = Usage(as_of_ms=START_MS)
    stored = {
        "aml": Use(usage=before, held=held_in_all([(SPEC, groups(2))])),
        "bio": Use(usage=replace(before, amounts=(("cpu", 8),))),
    }
    now = usage_now(stored, ["aml", "bio"], settings, START_MS + 3_600_000)
    cpu = dict(now["aml"].amounts)["cpu"]
    assert 0.7 * 2_000 * 3_600_000 < cpu < 2_000 * 3_600_000
    assert now["bio"] == Usage(as_of_ms=START_MS + 3_600_000, amounts=(("cpu", 4),))


def test_runs_of_one_kind_share_their_history() -> None:
    assert application_of(BATCH, "train-17") == application_of(BATCH, "train-2") == "/train"
    assert application_of(replace(BATCH, zapp="spark"), "train-17") == "spark"
    assert application_of(BATCH, "2026") == "/2026"


def test_a_namespace_without_history_learns_from_others_of_the_same_zapp_only() -> None:
    runtimes = {("", "spark"): (10, 20, 30), ("", "/train"): (10, 20, 30)}
    spark = expected(runtimes, "bio", "x", replace(BATCH, zapp="spark"))
    assert spark is not None
    assert spark.typical_ms == 20
    assert expected(runtimes, "bio", "train-1", BATCH) is None
