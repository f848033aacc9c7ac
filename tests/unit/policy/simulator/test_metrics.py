"""The figures, on runs small enough to reckon by hand."""

from __future__ import annotations

import random

from policy.model.execution import Uid
from policy.simulator import metrics
from policy.simulator.application import Kind
from policy.simulator.record import Occupancy, Record, Run


def record(name: str, waited_s: int, ran_s: int, **other: object) -> Record:
    values: dict[str, object] = {
        "uid": Uid(name),
        "namespace": "aml",
        "kind": Kind.RIGID,
        "queued_ms": 0,
        "runtime_ms": ran_s * 1000,
        "started_ms": waited_s * 1000,
        "ended_ms": (waited_s + ran_s) * 1000,
        "waited_ms": waited_s * 1000,
    }
    return Record(**{**values, **other})  # type: ignore[arg-type]


def run(*records: Record) -> Run:
    return Run(
        records={r.uid: r for r in records},
        occupancy=Occupancy(window_ms=1, permille=(("cpu", 750),)),
        decisions=1,
        ended_ms=0,
    )


def test_medians_percentiles_and_extremes():
    summary = metrics.summary(run(*[record(str(n), n, 100) for n in range(101)]))
    assert summary["median_wait_s"] == 50
    assert summary["p95_wait_s"] == 95
    assert summary["max_wait_s"] == 100
    assert summary["median_turnaround_s"] == 150
    assert summary["allocation"] == {"cpu": 0.75}


def test_percentiles_lie_between_neighbours():
    assert metrics.percentile([0, 10], 250) == 2.5
    assert metrics.percentile([], 500) == 0
    assert metrics.percentile([7], 950) == 7


def test_slowdown_is_bounded_for_short_runs():
    assert metrics.bounded_slowdown(record("a", 20, 0)) == 2
    assert metrics.bounded_slowdown(record("a", 0, 1)) == 1
    assert metrics.bounded_slowdown(record("a", 100, 100)) == 2


def test_what_never_started_is_told_and_not_averaged():
    never = record("b", 0, 5, started_ms=None, ended_ms=None, waited_ms=900, reason="NeverFits")
    summary = metrics.summary(run(record("a", 10, 5), never))
    assert summary["never_started"] == {"NeverFits": 1}
    assert (summary["applications"], summary["ended"]) == (2, 1)
    assert summary["max_wait_s"] == 10


def test_classes_are_told_apart():
    elastic = record("b", 0, 5, kind=Kind.ELASTIC, revocations=3)
    summary = metrics.summary(run(record("a", 10, 5), elastic))
    assert summary["revocations_per_application"] == 1.5
    assert summary["classes"]["batch-elastic"]["revocations_per_application"] == 3
    assert summary["classes"]["batch-rigid"]["median_wait_s"] == 10
    assert "interactive" not in summary["classes"]


def test_seeds_are_averaged_with_an_interval():
    summaries = [metrics.summary(run(record("a", wait, 10))) for wait in (10, 20, 60)]
    combined = metrics.combined(summaries, random.Random(1))
    assert combined["median_wait_s"] == 30
    low, high = combined["interval_95"]["median_wait_s"]
    assert 10 <= low < 30 < high <= 60
    assert combined["classes"]["batch-rigid"]["median_wait_s"] == 30


def test_an_empty_run_has_figures_too():
    assert metrics.summary(run())["median_turnaround_s"] == 0


def test_one_seed_is_left_as_it_is():
    summary = metrics.summary(run(record("a", 1, 1)))
    assert metrics.combined([summary], random.Random(1)) == summary
