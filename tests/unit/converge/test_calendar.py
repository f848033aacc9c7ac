"""Times that recur, on the days when the clock jumps and on all others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise, takewhile
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.converge import calendar
from reconciler.converge.calendar import Span
from reconciler.manifest.spec import Window

PARIS = "Europe/Paris"
MINUTE = timedelta(minutes=1)
HOUR_MS = 3_600_000


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc]


def times(cron: str, timezone: str, start: datetime, end: datetime) -> list[datetime]:
    found = calendar.occurrences(cron, timezone, after=start)
    return list(takewhile(lambda at: at <= end, found))


def by_looking_at_every_minute(
    cron: str, timezone: str, start: datetime, end: datetime
) -> list[datetime]:
    """The rule, said otherwise: walk through time, and look at the wall."""
    zone = ZoneInfo(timezone)

    def on_the_wall(at: datetime) -> datetime:
        return at.astimezone(zone).replace(tzinfo=None)

    day = timedelta(days=1)
    walls = CronSim(cron, on_the_wall(start) - day)
    named = set(takewhile(lambda wall: wall <= on_the_wall(end) + day, walls))
    is_interval = any(field.startswith("*") for field in cron.split()[:2])
    found, seen = [], on_the_wall(start - day)
    at = start.replace(second=0, microsecond=0) - day
    while at <= end:
        now = on_the_wall(at)
        if is_interval:
            hits = now in named
        else:  # whatever the wall has passed for the first time since the last minute
            hits = any(seen < wall <= now for wall in named)
            seen = max(seen, now)
        if hits and start < at:
            found.append(at)
        at += MINUTE
    return found


CRONS = ["*/5 * * * *", "0 * * * *", "30 2 * * *", "0,30 2,3 * * *", "*/7 2 * * *", "5 */2 * * *"]
CRONS += ["0 0 * * *", "15 0-3 * * *", "10 23 * * *", "59 1,2 * * SUN", "0 5 1 * *"]
JUMPS = {
    PARIS: [utc(2026, 3, 29, 1), utc(2026, 10, 25, 1)],
    "Australia/Lord_Howe": [utc(2026, 4, 4, 15), utc(2026, 10, 3, 15, 30)],  # by half an hour
    "Antarctica/Troll": [utc(2026, 3, 29, 1), utc(2026, 10, 25, 1)],  # by two hours
    "America/Santiago": [utc(2026, 4, 5, 3), utc(2026, 9, 6, 4)],  # at midnight
    "UTC": [utc(2026, 7, 1)],
}
NEAR_A_JUMP = st.sampled_from([(zone, jump) for zone, jumps in JUMPS.items() for jump in jumps])


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(CRONS), NEAR_A_JUMP, st.integers(-300, 300), st.integers(1, 500))
def test_every_time_comes_once_and_in_order(
    cron: str, near: tuple[str, datetime], offset: int, length: int
) -> None:
    zone, jump = near
    start = jump + offset * MINUTE
    end = start + length * MINUTE
    expected = by_looking_at_every_minute(cron, zone, start, end)
    assert times(cron, zone, start, end) == expected
    latest = calendar.latest(cron, zone, now=end)
    assert latest is not None
    assert latest == expected[-1] if expected else latest <= start
    following = calendar.upcoming(cron, zone, now=start)
    assert following is not None
    assert following == expected[0] if expected else following > end


def test_a_time_of_day_that_the_clock_leaves_out_is_taken_at_the_next_that_exists() -> None:
    assert times("30 2 * * *", PARIS, utc(2026, 3, 28, 12), utc(2026, 3, 30, 12)) == [
        utc(2026, 3, 29, 1, 0),  # 03:00 on the wall
        utc(2026, 3, 30, 0, 30),
    ]


def test_a_time_of_day_that_comes_twice_is_taken_once() -> None:
    assert times("30 2 * * *", PARIS, utc(2026, 10, 24, 12), utc(2026, 10, 26, 12)) == [
        utc(2026, 10, 25, 0, 30),
        utc(2026, 10, 26, 1, 30),
    ]
    between = utc(2026, 10, 25, 1, 10)  # 02:10 for the second time
    assert calendar.latest("30 2 * * *", PARIS, now=between) == utc(2026, 10, 25, 0, 30)


@pytest.mark.parametrize(("day", "hours"), [(utc(2026, 3, 29), 23), (utc(2026, 10, 25), 25)])
def test_an_interval_goes_on_evenly_through_a_jump(day: datetime, hours: int) -> None:
    midnight = day.replace(tzinfo=ZoneInfo(PARIS))
    tomorrow = (day + timedelta(days=1)).replace(tzinfo=ZoneInfo(PARIS))
    found = times("*/5 * * * *", PARIS, midnight.astimezone(UTC), tomorrow.astimezone(UTC))
    assert len(found) == hours * 12
    assert {b - a for a, b in pairwise(found)} == {5 * MINUTE}


def test_two_times_in_one_gap_are_one() -> None:
    found = times("0,30 2 * * *", PARIS, utc(2026, 3, 28, 12), utc(2026, 3, 29, 12))
    assert found == [utc(2026, 3, 29, 1)]


def test_seconds_change_nothing() -> None:
    now = utc(2026, 1, 1, 12, 0, 59)
    assert calendar.latest("0 * * * *", "UTC", now=now) == utc(2026, 1, 1, 12)
    assert calendar.upcoming("0 * * * *", "UTC", now=now) == utc(2026, 1, 1, 13)


def test_a_rare_time_is_found_far_away() -> None:
    assert calendar.upcoming("0 0 29 2 *", "UTC", now=utc(2026, 1, 1)) == utc(2028, 2, 29)
    assert calendar.latest("0 0 29 2 *", "UTC", now=utc(2026, 1, 1)) == utc(2024, 2, 29)


def test_a_single_window_has_one_span() -> None:
    window = Window(duration_ms=2 * HOUR_MS, start=utc(2026, 1, 1, 14))
    span = Span(starts_at=utc(2026, 1, 1, 14), ends_at=utc(2026, 1, 1, 16))
    for now, expected in [
        (utc(2026, 1, 1, 12), [span]),
        (utc(2026, 1, 1, 15, 59), [span]),
        (utc(2026, 1, 1, 16), []),
    ]:
        assert list(calendar.spans(window, now=now, until=utc(2026, 2, 1))) == expected
    assert list(calendar.spans(window, now=utc(2026, 1, 1), until=utc(2026, 1, 1, 14))) == []


def test_a_recurring_window_that_is_open_comes_first() -> None:
    window = Window(duration_ms=2 * HOUR_MS, cron="0 14 * * MON-FRI", timezone=PARIS)
    now = utc(2026, 1, 1, 14, 30)  # a Thursday, 15:30 in Paris
    found = list(islice(calendar.spans(window, now=now, until=now + timedelta(days=8)), 3))
    assert [span.starts_at for span in found] == [utc(2026, 1, day, 13) for day in (1, 2, 5)]
    assert calendar.is_open(window, now=now)
    assert not calendar.is_open(window, now=utc(2026, 1, 1, 15))
    assert calendar.next_opening(window, now=now) == utc(2026, 1, 2, 13)


def test_spans_that_touch_are_one() -> None:
    window = Window(duration_ms=HOUR_MS, cron="0 14,15 * * *")
    now = utc(2026, 1, 1)
    assert list(calendar.spans(window, now=now, until=utc(2026, 1, 2))) == [
        Span(starts_at=utc(2026, 1, 1, 14), ends_at=utc(2026, 1, 1, 16))
    ]
