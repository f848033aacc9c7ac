"""Intervals of what was held: they follow the allocation, and never overlap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from policy.model.execution import Allocation, NodeId, Uid
from reconciler.converge import holding
from reconciler.converge.ledger import Record
from reconciler.converge.world import Assessment, Identity, Memory
from reconciler.reporting.records import Interval, Recorded, Recording
from tests.builders import GIB, NOW, Ledger, interactive, observed, resources, service, wanted

UID = Uid("00000000000000aa")
SPEC = interactive(service(reservations=resources(cpus=2, memory=GIB), core=1, maximum=9))
RECORD = Record(
    uid=UID, run=1, first_seen_at=NOW, queued_at=NOW, generation=1, attempt=1, attempt_open=True
)
EMPTY = Ledger().assess(wanted(), observed())


def groups(count: int) -> tuple[Allocation, ...]:
    if not count:
        return ()
    return (Allocation(component="main", node=NodeId("n1"), count=count),)


def passed(count: int, memory: Memory) -> tuple[Assessment, Memory]:
    """A pass that gives so many replicas, and what is remembered after it."""
    is_moved = memory.placements.get(UID, ()) != groups(count)
    moved = {UID: groups(count)} if is_moved else {}
    found = replace(EMPTY, records={UID: RECORD}, placements=moved)
    return found, replace(memory, placements={UID: groups(count)} if count else {})


def remembered() -> Memory:
    identity = Identity(namespace="lab", name="a", run=1)
    return Memory(records={UID: RECORD}, identities={UID: identity}, frozen={(UID, 1): SPEC})


def written(steps: Sequence[tuple[int, int]]) -> list[Interval]:
    """The rows after passes of (seconds later, replicas), by their beginning."""
    memory, known, now = remembered(), Recorded(), NOW
    rows: dict[object, Interval] = {}
    for seconds, count in steps:
        now += timedelta(seconds=seconds)
        found, after = passed(count, memory)
        new = holding.intervals(found, memory, known.intervals, now=now)
        rows |= {interval.since: interval for interval in new}
        known, memory = known.after(Recording(intervals=new)), after
        again = holding.intervals(replace(found, placements={}), memory, known.intervals, now=now)
        assert again == ()
    return [rows[since] for since in sorted(rows)]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=8))
def test_they_do_not_overlap_and_the_last_is_what_is_held(steps: list[tuple[int, int]]) -> None:
    rows = written(steps)
    for one, next_ in pairwise(rows):
        assert one.until is not None
        assert one.since <= one.until <= next_.since
    held = steps[-1][1] if steps else 0
    opened = [row for row in rows if row.until is None]
    assert [row.cpu_millis for row in opened] == ([2000 * held] if held else [])


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=8))
def test_they_add_up_to_what_was_held_over_time(steps: list[tuple[int, int]]) -> None:
    end = NOW + timedelta(hours=1)
    expected, now = 0, NOW
    moments = [*steps, (0, 0)]
    for index, (seconds, count) in enumerate(steps):
        now += timedelta(seconds=seconds)
        is_last = index == len(steps) - 1
        lasts = end - now if is_last else timedelta(seconds=moments[index + 1][0])
        expected += 2000 * count * (lasts // timedelta(seconds=1))
    rows = written(steps)
    spans = [(row, (row.until or end) - row.since) for row in rows]
    assert sum(row.cpu_millis * (span // timedelta(seconds=1)) for row, span in spans) == expected


def test_who_held_something_before_anybody_counted_is_counted_from_now_on() -> None:
    memory = replace(remembered(), placements={UID: groups(2)})
    found = replace(EMPTY, records={UID: RECORD}, placements={})
    (opened,) = holding.intervals(found, memory, {}, now=NOW)
    assert (opened.since, opened.cpu_millis, opened.memory_bytes) == (NOW, 4000, 2 * GIB)
