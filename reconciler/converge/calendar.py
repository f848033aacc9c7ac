"""Times that recur: cron fields in a time zone, and windows made of them. Pure; UTC outside.

cron counts by the clock on the wall, and twice a year that clock jumps. As in Debian's cron:

- Fields that name minute and hour (``30 2 * * *``) mean a time of day. One that the jump leaves
  out is taken at the next minute that exists; one that comes twice is taken once, the first time.
- Where minute or hour begins with ``*`` (``*/5 * * * *``, ``0 * * * *``) it is an interval, which
  goes on evenly: nothing is made up for the hour left out, and the hour that comes twice counts
  twice.

Only the matching of fields comes from ``cronsim``; it never sees a time zone.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from cronsim import CronSim

from reconciler.manifest.spec import Schedule, Window

_MINUTE = timedelta(minutes=1)
# No zone's clock jumps further in our time; around a jump, wall clock and time run in other orders.
_JUMP = timedelta(hours=3)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Span:
    """A time from ``starts_at`` to before ``ends_at``, both UTC."""

    starts_at: datetime
    ends_at: datetime

    def holds(self, at: datetime) -> bool:
        """Tell whether a time lies within."""
        return self.starts_at <= at < self.ends_at


def latest(cron: str, timezone: str, *, now: datetime) -> datetime | None:
    """Return the last time up to and including ``now``; None if there was none in 50 years."""
    return _around(cron, timezone, _whole_minute(now))[0]


def upcoming(cron: str, timezone: str, *, now: datetime) -> datetime | None:
    """Return the first time after ``now``; None if there is none in 50 years."""
    return _around(cron, timezone, _whole_minute(now))[1]


def occurrences(cron: str, timezone: str, *, after: datetime) -> Iterator[datetime]:
    """Yield the times after ``after``, in order, each once; ends where none is left in 50 years."""
    zone = ZoneInfo(timezone)
    is_interval = _is_interval(cron)
    start = after.astimezone(zone).replace(tzinfo=None) - _margin(after, zone)
    waiting: list[datetime] = []
    last = after
    for wall in CronSim(cron, start):
        # Whatever comes later on the wall isn't earlier than this.
        floor = min(_instants(wall, zone))
        while waiting and waiting[0] < floor:
            last = max(last, yielded := heapq.heappop(waiting))
            yield yielded
        for instant in _taken(wall, zone, is_interval=is_interval):
            if instant > last and instant not in waiting:
                heapq.heappush(waiting, instant)
    while waiting:
        yield heapq.heappop(waiting)


def spans(window: Window, *, now: datetime, until: datetime) -> Iterator[Span]:
    """Yield a window's spans that are open now or start before ``until``, in order.

    Those that touch or overlap are one. A span lasts as long as it says, whatever the clock does.
    """
    duration = timedelta(milliseconds=window.duration_ms)
    current: Span | None = None
    for starts_at in _starts(window, after=now - duration):
        if starts_at >= until:
            break
        if current is not None and starts_at <= current.ends_at:
            current = Span(starts_at=current.starts_at, ends_at=starts_at + duration)
            continue
        if current is not None:
            yield current
        current = Span(starts_at=starts_at, ends_at=starts_at + duration)
    if current is not None:
        yield current


def is_open(window: Window, *, now: datetime) -> bool:
    """Tell whether ``now`` lies in one of a window's spans."""
    return any(span.holds(now) for span in spans(window, now=now, until=now + _MINUTE))


def next_opening(window: Window, *, now: datetime) -> datetime | None:
    """Return when a window opens next, after ``now``."""
    return next(_starts(window, after=now), None)


def _starts(window: Window, *, after: datetime) -> Iterator[datetime]:
    if window.start is None:
        yield from occurrences(window.cron, window.timezone, after=after)
    elif window.start > after:
        yield window.start.astimezone(UTC)


def on_the_wall(schedule: Schedule | Window, at: datetime) -> str:
    """Return a time as its author reads it, to the minute, in the time zone that was given."""
    return at.astimezone(ZoneInfo(schedule.timezone)).isoformat(timespec="minutes")


@lru_cache(maxsize=4096)
def _around(cron: str, timezone: str, minute: datetime) -> tuple[datetime | None, datetime | None]:
    """Return the times before and after; cron knows no seconds, so once a minute will do."""
    following = next(occurrences(cron, timezone, after=minute), None)
    return _before(cron, timezone, minute), following


def _before(cron: str, timezone: str, now: datetime) -> datetime | None:
    zone = ZoneInfo(timezone)
    is_interval = _is_interval(cron)
    margin = _margin(now, zone)
    start = now.astimezone(zone).replace(tzinfo=None) + margin + _MINUTE
    best: datetime | None = None
    for wall in CronSim(cron, start, reverse=True):
        if best is not None and max(_instants(wall, zone)) + margin < best:
            break
        found = [i for i in _taken(wall, zone, is_interval=is_interval) if i <= now]
        best = max([*found, best] if best else found, default=None)
    return best


def _taken(wall: datetime, zone: ZoneInfo, *, is_interval: bool) -> tuple[datetime, ...]:
    """Return the instants at which a time on the wall is taken, by the rule above."""
    first, second = _instants(wall, zone)
    if first.astimezone(zone).replace(tzinfo=None) != wall:
        return () if is_interval else (_end_of_gap(wall, zone),)
    return (first, second) if is_interval and second != first else (first,)


def _instants(wall: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return what a time on the wall is in UTC, before and after a jump of the clock."""
    before = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    return before, wall.replace(tzinfo=zone, fold=1).astimezone(UTC)


def _end_of_gap(wall: datetime, zone: ZoneInfo) -> datetime:
    while True:
        wall += _MINUTE
        first, _ = _instants(wall, zone)
        if first.astimezone(zone).replace(tzinfo=None) == wall:
            return first


def _margin(at: datetime, zone: ZoneInfo) -> timedelta:
    """Return how far to look around ``at`` on the wall: only near a jump does order differ."""
    before, after = ((at + shift).astimezone(zone).utcoffset() for shift in (-_JUMP, _JUMP))
    return timedelta() if before == after else _JUMP


def _is_interval(cron: str) -> bool:
    minute, hour, *_ = cron.split()
    return minute.startswith("*") or hour.startswith("*")


def _whole_minute(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(second=0, microsecond=0)
