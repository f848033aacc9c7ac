"""How it went: running and waiting, reserved and total, waits, and how long passes took.

Buckets begin at whole multiples of their width, so that a plot drawn a minute later has the same
ones and only the last has changed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from policy.words import format_duration
from reconciler.converge.instants import epoch_ms, from_epoch_ms
from reconciler.converge.ledger import Entry
from reconciler.reporting.records import PassRow
from reconciler.view.waits import nearest_rank, waits
from reconciler.view.words import instant

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
MOST_POINTS = 120
LONGEST = timedelta(milliseconds=(MOST_POINTS - 1) * DAY_MS)
"""What is asked for beyond this isn't shown: the oldest passes are forgotten before."""

_MINUTES = tuple(n * MINUTE_MS for n in (1, 2, 5, 10, 15, 30))
WIDTHS_MS = (*_MINUTES, *(n * HOUR_MS for n in (1, 2, 3, 6, 12, 24)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One bucket of time, from ``at`` on. Means over its passes; None: there was none."""

    at: datetime
    running: int | None = None
    waiting: int | None = None
    cpu_millis: int | None = None
    cpu_reserved_millis: int | None = None
    memory_bytes: int | None = None
    memory_reserved_bytes: int | None = None
    pass_ms: int | None = None
    longest_pass_ms: int | None = None
    wait_p50_ms: int | None = None
    wait_p95_ms: int | None = None
    started: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Points of one width each, oldest first; waits are of those that started in the bucket."""

    since: datetime
    until: datetime
    bucket_ms: int
    points: tuple[Point, ...]
    sentence: str


def of(
    passes: Iterable[PassRow], entries: Iterable[Entry], *, since: datetime, until: datetime
) -> History:
    """Return how it went from ``since`` to before ``until``, in at most 120 points.

    Args:
        passes: Those of that time, oldest first (``Archive.passes``); others are left out.
        entries: The facts of waits and ends, as they were entered (``Archive.ends``), from
            ``waits.LONGEST`` before that time on.
        since: Where it begins; what is longer ago than ``LONGEST`` is cut off.
        until: Where it ends.

    Raises:
        ValueError: The time ends before it begins. For people.
    """
    if since >= until:
        raise ValueError("since must be before until")
    since = max(since, until - LONGEST)
    width_ms = width(since, until)
    rows: defaultdict[int, list[PassRow]] = defaultdict(list)
    for row in passes:
        if since <= row.at < until:
            rows[epoch_ms(row.at) // width_ms].append(row)
    waited: defaultdict[int, list[int]] = defaultdict(list)
    for wait in waits(entries):
        if since <= wait.started_at < until:
            waited[epoch_ms(wait.started_at) // width_ms].append(wait.waited_ms)
    numbers = range(epoch_ms(since) // width_ms, (epoch_ms(until) - 1) // width_ms + 1)
    points = tuple(_point(n * width_ms, rows[n], sorted(waited[n])) for n in numbers)
    sentence = _sentence(
        [row for found in rows.values() for row in found],
        sorted(wait for found in waited.values() for wait in found),
        since,
    )
    return History(since=since, until=until, bucket_ms=width_ms, points=points, sentence=sentence)


def width(since: datetime, until: datetime) -> int:
    """Return the smallest width of buckets, in milliseconds, of which there are few enough."""
    begin, last = epoch_ms(since), epoch_ms(until) - 1
    return next(
        (w for w in WIDTHS_MS if last // w - begin // w < MOST_POINTS),
        WIDTHS_MS[-1],
    )


def _point(at_ms: int, rows: Sequence[PassRow], waited: Sequence[int]) -> Point:
    return Point(
        at=from_epoch_ms(at_ms),
        running=_mean([row.running for row in rows]),
        waiting=_mean([row.waiting for row in rows]),
        cpu_millis=_mean([row.cpu_millis for row in rows]),
        cpu_reserved_millis=_mean([row.cpu_reserved_millis for row in rows]),
        memory_bytes=_mean([row.memory_bytes for row in rows]),
        memory_reserved_bytes=_mean([row.memory_reserved_bytes for row in rows]),
        pass_ms=_mean([row.duration_ms for row in rows]),
        longest_pass_ms=max((row.duration_ms for row in rows), default=None),
        wait_p50_ms=nearest_rank(waited, 50),
        wait_p95_ms=nearest_rank(waited, 95),
        started=len(waited),
    )


def _sentence(rows: Sequence[PassRow], waited: Sequence[int], since: datetime) -> str:
    """Return what a reader would take from the plots."""
    parts = []
    median, slow = nearest_rank(waited, 50), nearest_rank(waited, 95)
    if median is None or slow is None:
        parts.append("nothing started")
    else:
        told = f"half of them waited {format_duration(median)} at most"
        if len(waited) == 1:
            told = f"it waited {format_duration(median)}"
        if len(waited) >= 20:
            told += f", nineteen of twenty {format_duration(slow)} at most"
        parts.append(f"{len(waited)} started; {told}")
    mean = _mean([row.duration_ms for row in rows])
    if mean is None:
        parts.append("no pass was recorded")
    else:
        longest = max(row.duration_ms for row in rows)
        parts.append(f"a pass took {mean} ms on average, {longest} ms at most")
    return f"Since {instant(since)}: {'; '.join(parts)}."


def _mean(values: Sequence[int]) -> int | None:
    """Return the mean to the nearest whole, a half rounded up; None of nothing."""
    if not values:
        return None
    return (2 * sum(values) + len(values)) // (2 * len(values))
