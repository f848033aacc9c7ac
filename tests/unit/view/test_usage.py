"""Accounting: exact, whatever it is grouped by and wherever time is cut."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.model.execution import Uid
from reconciler.converge.ledger import EndReason, Entry, Fact
from reconciler.reporting.records import Interval
from reconciler.view import encoding, usage
from reconciler.view.usage import Usage, Used
from reconciler.view.usage_csv import to_csv

T0 = datetime(2026, 11, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
GIB = 1024**3


def interval(uid: str = "u1", begin: int = 0, end: int | None = 2, **fields: Any) -> Interval:
    """Return what an execution held from one hour to another."""
    return Interval(
        **{
            "uid": Uid(uid),
            "namespace": "aml",
            "name": uid,
            "zapp": "spark",
            "labels": (("course", "ml"),),
            "since": T0 + begin * HOUR,
            "until": None if end is None else T0 + end * HOUR,
            "cpu_millis": 2000,
            "memory_bytes": 4 * GIB,
            **fields,
        }
    )


def entry(fact: Fact, hour: float, uid: str = "u1", reason: str = "") -> Entry:
    return Entry(uid=Uid(uid), run=1, fact=fact, at=T0 + hour * HOUR, reason=reason)


def document(uid: str, namespace: str) -> dict[str, Any]:
    metadata = {"uid": uid, "namespace": namespace, "name": uid, "labels": {"course": "dl"}}
    return {"metadata": metadata, "status": {"phase": "Failed"}}


def used(*intervals: Interval, by: str = "namespace", hours: int = 10, **fields: Any) -> Usage:
    given_: dict[str, Any] = {
        "entries": [],
        "documents": {},
        "since": T0,
        "until": T0 + hours * HOUR,
        "now": T0 + hours * HOUR,
        **fields,
    }
    return usage.of(intervals, by=by, **given_)


def test_what_was_held_and_how_it_ended_is_counted_by_namespace():
    facts = [
        entry(Fact.FIRST_SEEN, 0),
        entry(Fact.FIRST_SEEN, 0, "u2"),
        entry(Fact.ATTEMPT_INTENDED, 0.5),
        entry(Fact.FINISHED, 2, reason="Completed"),
        entry(Fact.FINISHED, 3, "u2", reason="QueueTimeout"),
    ]
    found = used(
        interval(), entries=facts, documents={Uid("u1"): document("u1", "elsewhere"),
        Uid("u2"): document("u2", "aml")}
    )  # fmt: skip
    row = Used(
        key="aml",
        executions=1,
        cpu_milli_ms=2000 * 2 * 3_600_000,
        memory_byte_ms=4 * GIB * 2 * 3_600_000,
        core_hours="4.0",
        gib_hours="8.0",
        wait_median_ms=1_800_000,
        started=1,
        ended=2,
        failed=1,
        failed_share="50 %",
    )
    assert found.rows == (row,)
    assert found.total == Used(**{**{k: getattr(row, k) for k in row.__slots__}, "key": ""})
    assert encoding.from_json(Usage, encoding.to_json(found)) == found


def test_rows_are_by_what_was_asked_for_and_the_largest_comes_first():
    small = interval("u2", zapp="", labels=(("course", "dl"),), namespace="lab", cpu_millis=100)
    for by, keys in {
        "namespace": ["aml", "lab"],
        "zapp": ["spark", ""],
        "label:course": ["ml", "dl"],
        "label:none": [""],
    }.items():
        assert [row.key for row in used(interval(), small, by=by).rows] == keys


@pytest.mark.parametrize("by", ["", "name", "label", "label:", f"label:{'x' * 201}"])
def test_what_nothing_can_be_grouped_by_is_refused(by: str):
    with pytest.raises(ValueError, match="write namespace, zapp or label:KEY"):
        used(by=by)


def test_a_time_that_ends_before_it_begins_is_refused():
    with pytest.raises(ValueError, match="before"):
        used(until=T0)


def test_what_is_still_held_counts_up_to_now():
    assert used(interval(end=None), now=T0 + HOUR).total.core_hours == "2.0"


def test_a_wait_after_preemption_counts_and_one_after_its_own_failure_does_not():
    facts = [
        entry(Fact.FIRST_SEEN, 0),
        entry(Fact.ATTEMPT_INTENDED, 1),
        entry(Fact.ATTEMPT_ENDED, 2, reason=EndReason.PREEMPTED),
        entry(Fact.ATTEMPT_INTENDED, 5),
        entry(Fact.ATTEMPT_ENDED, 6, reason=EndReason.NON_ZERO_EXIT),
        entry(Fact.ATTEMPT_INTENDED, 9),
    ]
    total = used(entries=facts).total
    assert (total.started, total.wait_median_ms) == (2, 3_600_000)


def test_a_scheduled_run_that_was_left_out_never_ended():
    facts = [entry(Fact.FIRST_SEEN, 0), entry(Fact.FINISHED, 0, reason=EndReason.SKIPPED)]
    assert used(entries=facts).total.ended == 0


def test_generic_resources_are_counted_in_pieces():
    total = used(interval(generic=(("gpu", 2),))).total
    assert (total.generic_ms, total.generic_hours) == ({"gpu": 14_400_000}, {"gpu": "4.0"})


def test_tenths_are_rounded_to_the_nearest():
    assert [usage.tenths(n, 100) for n in (0, 4, 5, 14, 15, 99, 1234)] == [
        "0.0", "0.0", "0.1", "0.1", "0.2", "1.0", "12.3",
    ]  # fmt: skip


@pytest.mark.parametrize("key", ["=1+1", "+1", "-1", "@a", "\ta"])
def test_no_cell_of_a_users_is_a_formula(key: str):
    row, *_ = csv.DictReader(StringIO(to_csv(used(interval(zapp=key), by="zapp"))))
    assert row["zapp"] == f"'{key}"


def test_csv_holds_what_the_view_holds():
    text = to_csv(used(interval(zapp='a "b", c', generic=(("gpu", 1),)), by="zapp"))
    head, row = csv.reader(StringIO(text, newline=""))
    assert dict(zip(head, row, strict=True)) == {
        "zapp": 'a "b", c',
        "executions": "1",
        "core hours": "4.0",
        "GiB hours": "8.0",
        "CPU thousandths x ms": "14400000000",
        "memory bytes x ms": str(8 * GIB * 3_600_000),
        "started": "0",
        "median wait ms": "",
        "ended": "0",
        "failed": "0",
        "gpu hours": "2.0",
    }
    assert text.endswith("\r\n")


@st.composite
def intervals(draw: st.DrawFn) -> Interval:
    begin = draw(st.integers(0, 10**9))
    end = draw(st.none() | st.integers(begin, 10**9))
    microsecond = timedelta(microseconds=1)
    return interval(
        draw(st.sampled_from("abcd")),
        namespace=draw(st.sampled_from(["aml", "lab"])),
        zapp=draw(st.sampled_from(["", "spark"])),
        labels=tuple(draw(st.dictionaries(st.sampled_from("xy"), st.just("1"))).items()),
        since=T0 + begin * 7 * microsecond,
        until=None if end is None else T0 + end * 7 * microsecond,
        cpu_millis=draw(st.integers(0, 64_000)),
        memory_bytes=draw(st.integers(0, 2**40)),
        generic=draw(st.sampled_from([(), (("gpu", 1),)])),
    )


def sums(rows: tuple[Used, ...]) -> tuple[int, int, int]:
    return (
        sum(row.cpu_milli_ms for row in rows),
        sum(row.memory_byte_ms for row in rows),
        sum(row.generic_ms.get("gpu", 0) for row in rows),
    )


@given(st.lists(intervals(), max_size=6), st.sampled_from(["namespace", "zapp", "label:x"]))
def test_rows_add_up_to_the_total_whatever_they_are_grouped_by(found: list[Interval], by: str):
    told, whole = used(*found, by=by), used(*found, by="namespace")
    assert sums(told.rows) == sums((told.total,)) == sums((whole.total,))


@given(st.lists(intervals(), max_size=6), st.integers(1, 10**10 - 1))
def test_a_time_cut_in_two_adds_up_to_the_whole(found: list[Interval], cut: int):
    end = T0 + timedelta(microseconds=10**10)
    middle = T0 + timedelta(microseconds=cut)
    whole = used(*found, until=end, now=end)
    parts = (
        used(*found, until=middle, now=end).total,
        used(*found, since=middle, until=end, now=end).total,
    )
    assert sums(parts) == sums((whole.total,))


@given(intervals(), st.integers(0, 10**9))
def test_an_interval_cut_in_two_counts_as_much_as_the_whole(one: Interval, cut: int):
    at = max(one.since, T0 + timedelta(microseconds=cut * 7))
    if one.until is not None:
        at = min(at, one.until)
    fields = {name: getattr(one, name) for name in one.__slots__}
    parts = Interval(**{**fields, "until": at}), Interval(**{**fields, "since": at})
    assert used(*parts).total == used(one).total
