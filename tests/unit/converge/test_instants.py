"""Times there and back, to the millisecond."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.converge.instants import epoch_ms, from_epoch_ms, is_within

MOST_MS = 4 * 10**12  # in the year 2096


@given(st.integers(min_value=0, max_value=MOST_MS))
def test_no_millisecond_is_lost_on_the_way_there_and_back(at_ms: int) -> None:
    assert epoch_ms(from_epoch_ms(at_ms)) == at_ms


@given(st.integers(min_value=0, max_value=MOST_MS), st.integers(min_value=0, max_value=999))
def test_what_is_finer_is_cut_off(at_ms: int, microseconds: int) -> None:
    assert epoch_ms(from_epoch_ms(at_ms) + timedelta(microseconds=microseconds)) == at_ms


def test_the_zone_of_a_time_doesnt_matter() -> None:
    paris = timezone(timedelta(hours=1))
    assert epoch_ms(datetime(1970, 1, 1, 1, tzinfo=paris)) == 0
    assert from_epoch_ms(1_500) == datetime(1970, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC)


@pytest.mark.parametrize(("after_s", "is_so"), [(-3600, False), (0, True), (59, True), (60, False)])
def test_who_waits_a_minute_waits_no_hour_when_the_clock_is_set_back(
    after_s: int, is_so: bool
) -> None:
    since = datetime(2026, 1, 1, tzinfo=UTC)
    assert is_within(timedelta(minutes=1), since, since + timedelta(seconds=after_s)) is is_so
