"""How often a source is fetched, whatever is told and whenever."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from reconciler.pacing import POLL_FIRST_S, POLL_MOST_S, SPACING_S, Pace, Poll

CALLS = st.lists(st.tuples(st.integers(0, 3000), st.sampled_from(["tell", "tick"])), max_size=40)


def fetches(calls: list[tuple[int, str]]) -> list[float]:
    """Return when a loop fetches that does so as soon as it may; times in milliseconds."""
    pace, now, found = Pace(spacing_s=SPACING_S * 1000), 0.0, []
    for pause, call in [*calls, (1_000_000, "")]:
        until = now + pause
        while (wait := pace.wait_s(now)) is not None and now + wait < until:
            now += wait
            assert pace.take(now)
            found.append(now)
        now = until
        if call:
            getattr(pace, call)()
    return found


def test_the_first_delivery_is_followed_at_once_and_a_burst_by_one_more_fetch() -> None:
    calls = [(100, "tell")] + [(10, "tell")] * 30
    assert fetches(calls) == [100, 5100]


def test_a_delivery_after_the_timers_look_does_not_wait_but_the_timer_does() -> None:
    assert fetches([(0, "tick"), (1000, "tell")]) == [0, 1000]
    assert fetches([(0, "tell"), (1000, "tick")]) == [0, 5000]


def test_a_flood_of_a_minute_with_the_timer_in_it_is_twelve_fetches() -> None:
    calls = [(10, "tell")] * 3000 + [(0, "tick")] + [(10, "tell")] * 2999
    start, *_ = found = fetches(calls)
    assert len([at for at in found if at < start + 60_000]) == 12


@given(CALLS)
def test_nothing_that_is_told_is_lost(calls: list[tuple[int, str]]) -> None:
    found, now = fetches(calls), 0
    for pause, _ in calls:
        now += pause
        assert any(now <= at <= now + SPACING_S * 1000 for at in found)


@given(CALLS)
def test_what_is_only_told_is_never_fetched_twice_within_the_pause(
    calls: list[tuple[int, str]],
) -> None:
    found = fetches([(pause, "tell") for pause, _ in calls])
    assert all(b - a >= SPACING_S * 1000 for a, b in pairwise(found))


def test_nothing_told_is_nothing_fetched() -> None:
    pace = Pace()
    assert (pace.wait_s(0), pace.take(0)) == (None, False)


def test_what_moves_is_polled_less_and_less_until_something_changes():
    poll = Poll()
    waits = [poll.after(is_changing=False, took_s=0) for _ in range(20)]
    assert waits[0] == POLL_FIRST_S
    assert waits == sorted(waits)
    assert waits[-1] == POLL_MOST_S
    assert poll.after(is_changing=True, took_s=0) == POLL_FIRST_S
    assert POLL_FIRST_S < poll.after(is_changing=False, took_s=0) < POLL_MOST_S


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 60))))
def test_looking_never_takes_more_than_half_of_the_time(passes: list[tuple[bool, float]]) -> None:
    poll = Poll()
    for is_changing, took_s in passes:
        assert poll.after(is_changing=is_changing, took_s=took_s) >= took_s
