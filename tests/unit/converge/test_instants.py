"""Times there and back, to the millisecond."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from reconciler.converge.instants import epoch_ms, from_epoch_ms

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
