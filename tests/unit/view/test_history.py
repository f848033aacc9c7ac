"""The plots' numbers: buckets that stay where they are, and quantiles that are somebody's wait."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.model.execution import Uid
from reconciler.converge.ledger import Entry, Fact
from reconciler.reporting.records import PassRow
from reconciler.view import encoding, history
from reconciler.view.history import DAY_MS, HOUR_MS, MINUTE_MS, MOST_POINTS, History
from reconciler.view.waits import nearest_rank

T0 = datetime(2026, 11, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def passed(minute: float, **fields: Any) -> PassRow:
    numbers = {
        "duration_ms": 40,
        "running": 2,
        "waiting": 1,
        "actions": 0,
        "failures": 0,
        "cpu_millis": 8000,
        "cpu_reserved_millis": 4000,
        "memory_bytes": 100,
        "memory_reserved_bytes": 50,
    }
    return PassRow(at=T0 + minute * MINUTE, commit="c", **{**numbers, **fields})


def started(uid: str, queued: float, start: float) -> list[Entry]:
    return [
        Entry(uid=Uid(uid), run=1, fact=fact, at=T0 + minute * MINUTE)
        for fact, minute in ((Fact.FIRST_SEEN, queued), (Fact.ATTEMPT_INTENDED, start))
    ]


def told(passes: list[PassRow], entries: list[Entry], minutes: int = 3) -> History:
    return history.of(passes, entries, since=T0, until=T0 + minutes * MINUTE)


def test_a_bucket_has_the_means_of_its_passes_and_the_waits_of_its_starts():
    passes = [passed(0), passed(0.5, duration_ms=61, running=5), passed(2.5)]
    found = told(passes, [*started("a", 0, 0.5), *started("b", 0, 0.75)])
    first, second, third = found.points
    assert (first.at, first.running, first.pass_ms, first.longest_pass_ms) == (T0, 4, 51, 61)
    assert (first.started, first.wait_p50_ms, first.wait_p95_ms) == (2, 30_000, 45_000)
    assert (first.cpu_millis, first.cpu_reserved_millis) == (8000, 4000)
    assert (second.running, second.pass_ms, second.wait_p50_ms, second.started) == (
        None, None, None, 0,
    )  # fmt: skip
    assert third.at == T0 + 2 * MINUTE
    assert found.sentence == (
        "Since 2026-11-01T00:00:00Z: 2 started; half of them waited 30 s at most; "
        "a pass took 47 ms on average, 61 ms at most."
    )
    assert encoding.from_json(History, encoding.to_json(found)) == found


def test_of_a_single_start_no_half_is_told():
    assert ": 1 started; it waited 30 s; " in told([], started("a", 0, 0.5)).sentence


def test_of_many_starts_the_slow_ones_are_told_too():
    entries = [e for n in range(20) for e in started(str(n), 0, n / 10)]
    assert "half of them waited 54 s at most, nineteen of twenty 1 min 48 s at most" in (
        told([], entries).sentence
    )


def test_where_nothing_was_recorded_it_says_so():
    found = told([], [])
    assert found.sentence == ("Since 2026-11-01T00:00:00Z: nothing started; no pass was recorded.")
    assert [point.started for point in found.points] == [0, 0, 0]


@pytest.mark.parametrize(
    ("span", "width_ms"),
    [
        (timedelta(minutes=5), MINUTE_MS),
        (timedelta(hours=2), MINUTE_MS),
        (timedelta(hours=6), 5 * MINUTE_MS),
        (timedelta(days=1), 15 * MINUTE_MS),
        (timedelta(days=7), 2 * HOUR_MS),
        (timedelta(days=30), 6 * HOUR_MS),
        (timedelta(days=90), DAY_MS),
        (timedelta(days=4000), DAY_MS),
    ],
)
def test_buckets_are_as_wide_as_they_must_be(span: timedelta, width_ms: int):
    found = history.of([], [], since=T0 - span, until=T0)
    assert (found.bucket_ms, len(found.points) <= MOST_POINTS) == (width_ms, True)


def test_a_time_that_ends_before_it_begins_is_refused():
    with pytest.raises(ValueError, match="before"):
        history.of([], [], since=T0, until=T0)


@given(st.integers(1, 10**10), st.integers(0, 10**9), st.lists(st.integers(0, 10**10), max_size=9))
def test_buckets_part_the_time_and_each_start_is_in_one(
    length_ms: int, offset_ms: int, starts: list[int]
):
    millisecond = timedelta(milliseconds=1)
    since = T0 + offset_ms * millisecond
    until = since + length_ms * millisecond
    entries = [
        Entry(uid=Uid(str(n)), run=1, fact=fact, at=since + at * millisecond)
        for n, at in enumerate(sorted(starts))
        for fact in (Fact.FIRST_SEEN, Fact.ATTEMPT_INTENDED)
    ]
    found = history.of([], entries, since=since, until=until)
    width = found.bucket_ms * millisecond
    assert 0 < len(found.points) <= MOST_POINTS
    assert found.points[0].at <= found.since < found.points[0].at + width
    assert found.points[-1].at < found.until <= found.points[-1].at + width
    assert [b.at - a.at for a, b in zip(found.points, found.points[1:], strict=False)] == (
        [width] * (len(found.points) - 1)
    )
    within = sum(at < length_ms for at in starts)
    assert sum(point.started for point in found.points) == within


@given(st.lists(st.integers(0, 10**6), min_size=1), st.integers(1, 100))
def test_a_quantile_is_one_of_the_values_and_that_many_are_no_larger(
    values: list[int], percent: int
):
    ordered = sorted(values)
    found = nearest_rank(ordered, percent)
    assert found in values
    assert sum(value <= (found or 0) for value in ordered) * 100 >= percent * len(ordered)
