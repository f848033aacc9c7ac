"""Whose new place in the queue is told at once, and whose later."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from policy.model.decision import Reason, ReasonCode, Wait
from policy.model.execution import Uid
from reconciler.converge.moves import AT_MOST, EACH, FEW, moves

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def queue(count: int, *, first: int = 0, head: ReasonCode = ReasonCode.NO_CAPACITY) -> list[Wait]:
    """Those who wait from the ``first`` on; the others have started."""
    behind = Reason(code=ReasonCode.BEHIND_IN_QUEUE, message=f"e{first} is first in the queue")
    return [
        Wait(
            uid=Uid(f"e{number}"),
            position=number - first + 1,
            reason=Reason(code=head, message="no room") if number == first else behind,
        )
        for number in range(first, count)
    ]


def by_uid(waits: list[Wait]) -> dict[Uid, Wait]:
    return {wait.uid: wait for wait in waits}


def test_of_few_each_place_is_told_at_once() -> None:
    before, now = by_uid(queue(FEW)), by_uid(queue(FEW, first=1))
    found = moves(now, before, told_at=NOW, now=NOW)
    assert found.waits == now
    assert found.due_at is None


def test_of_many_the_first_move_is_told_at_once_and_the_next_one_later() -> None:
    many = FEW + 10
    began, first, second = (by_uid(queue(many, first=n)) for n in range(3))
    told = moves(first, began, told_at=None, now=NOW)
    assert (told.waits, told.told_at, told.due_at) == (first, NOW, None)

    later = moves(second, first, told_at=NOW, now=NOW + SECOND)
    assert later.told_at == NOW
    assert later.due_at is not None
    assert NOW + SECOND < later.due_at <= NOW + many * EACH

    at_last = moves(second, later.waits, told_at=NOW, now=later.due_at)
    assert (at_last.waits, at_last.told_at) == (second, later.due_at)


def test_who_comes_to_wait_for_something_else_is_told_at_once() -> None:
    many = FEW + 10
    before, now = by_uid(queue(many)), by_uid(queue(many, first=1))
    told = moves(now, before, told_at=NOW, now=NOW + SECOND).waits
    assert told[Uid("e1")] == now[Uid("e1")]  # first in the queue, as it wasn't before
    assert told[Uid("e2")] == before[Uid("e2")]
    assert told.keys() == now.keys()


def test_nobody_is_behind_by_more_than_that_however_many_wait() -> None:
    many = AT_MOST // EACH + 1000
    before, now = by_uid(queue(many)), by_uid(queue(many, first=1))
    late = moves(now, before, told_at=NOW, now=NOW + AT_MOST - SECOND)
    assert late.due_at == NOW + AT_MOST
    assert moves(now, before, told_at=NOW, now=NOW + AT_MOST).waits == now


def test_a_clock_that_was_set_back_keeps_nobody_waiting() -> None:
    many = FEW + 10
    before, now = by_uid(queue(many)), by_uid(queue(many, first=1))
    assert moves(now, before, told_at=NOW + timedelta(hours=1), now=NOW).waits == now


@given(
    count=st.integers(min_value=1, max_value=2 * FEW),
    first=st.integers(min_value=0, max_value=2 * FEW),
    elapsed_ms=st.integers(min_value=0, max_value=2 * (AT_MOST // timedelta(milliseconds=1))),
)
def test_what_is_told_is_true_or_was_told_before_and_waits_only_until_it_is_due(
    count: int, first: int, elapsed_ms: int
) -> None:
    before, now = by_uid(queue(count)), by_uid(queue(count, first=min(first, count)))
    at = NOW + timedelta(milliseconds=elapsed_ms)
    found = moves(now, before, told_at=NOW, now=at)
    assert found.waits.keys() == now.keys()
    for uid, wait in found.waits.items():
        assert wait in (now[uid], before.get(uid))
    assert (found.waits == now) == (found.due_at is None)
    assert found.due_at is None or at < found.due_at <= at + AT_MOST
