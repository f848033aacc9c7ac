"""The numbers of the page's plots as a table: ``zoe history`` without a name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import click

from policy.words import format_duration
from reconciler.cli import show
from reconciler.cli.past import past
from reconciler.clock import SystemClock
from reconciler.manifest.quantities import cpus_text
from reconciler.view import usage
from reconciler.view.history import History, Point

DAY = timedelta(days=1)
_GIB = 1024**3
_HEAD = (
    "from",
    "run",
    "wait",
    "CPUs",
    "GiB",
    "starts",
    "wait p50",
    "wait p95",
    "pass mean",
    "pass max",
)


def show_plots(since: datetime | None, output: str) -> None:
    """Print how it went since a time; by default over the last day."""
    now = SystemClock().now()
    since = since or now - DAY
    if since >= now:
        raise click.UsageError("--since must be before now")
    with past() as source:
        found = source.history(since=since)
    if output != "text":
        show.as_data(found, output)
        return
    _print(found, now)


def _print(history: History, now: datetime) -> None:
    if show.is_terminal():
        show.say(show.sentence(history.sentence, now=now))
    # A bucket in which nothing was recorded says nothing.
    points = [p for p in history.points if p.pass_ms is not None or p.started]
    show.table(_HEAD, [_row(p, now) for p in points], numbers=range(1, len(_HEAD)), whole=(0, 3, 4))


def _row(point: Point, now: datetime) -> tuple[str, ...]:
    return (
        show.moment(point.at, now=now),
        _whole(point.running),
        _whole(point.waiting),
        _of(point.cpu_reserved_millis, point.cpu_millis, cpus_text),
        _of(point.memory_reserved_bytes, point.memory_bytes, _gib),
        str(point.started),
        _length(point.wait_p50_ms),
        _length(point.wait_p95_ms),
        _ms(point.pass_ms),
        _ms(point.longest_pass_ms),
    )


def _whole(number: int | None) -> str:
    return "-" if number is None else str(number)


def _of(part: int | None, whole: int | None, write: Callable[[int], str]) -> str:
    return "-" if part is None or whole is None else f"{write(part)} of {write(whole)}"


def _gib(amount: int) -> str:
    return usage.tenths(amount, _GIB)


def _length(amount_ms: int | None) -> str:
    return "-" if amount_ms is None else format_duration(amount_ms)


def _ms(amount_ms: int | None) -> str:
    return "-" if amount_ms is None else f"{amount_ms} ms"
