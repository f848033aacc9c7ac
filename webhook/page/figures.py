"""What the page of the past draws: curves, words on their axes, and the same as tables. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from policy.model.resources import format_amount
from policy.words import format_duration
from reconciler.view.history import History
from webhook.page.svg import Curve, top_of
from webhook.page.text import size

Row = tuple[datetime, tuple[str, ...]]

MOST_ROWS = 36
"""The newest steps as a table; all of them are a question to the API away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One plot: ``marks`` from the top of its axis to the bottom, ``last`` the newest values."""

    id: str
    title: str
    curves: tuple[Curve, ...]
    top: int
    marks: tuple[str, ...]
    last: tuple[str, ...]
    told: str
    rows: tuple[Row, ...]


def figures(history: History) -> tuple[Figure, ...]:
    """Return the figures of the page, in its order."""
    points = history.points

    def curve(name: str, style: str, field: str) -> Curve:
        values = tuple(getattr(point, field) for point in points)
        return Curve(name=name, style=style, values=values)

    executions = (curve("running", "a", "running"), curve("waiting", "b", "waiting"))
    cpus = (curve("reserved", "a", "cpu_reserved_millis"), curve("in all", "b", "cpu_millis"))
    memory = (
        curve("reserved", "a", "memory_reserved_bytes"),
        curve("in all", "b", "memory_bytes"),
    )
    waits = (curve("median", "a", "wait_p50_ms"), curve("95th percentile", "b", "wait_p95_ms"))
    starts = (curve("started", "a", "started"),)
    passes = (curve("mean", "a", "pass_ms"), curve("longest", "b", "longest_pass_ms"))
    return (
        _figure(history, "executions", "Running and waiting", executions, str),
        _figure(history, "cpus", "CPUs reserved", cpus, lambda v: size(v, "cpu"), unit=1000),
        _figure(history, "memory", "Memory reserved", memory, _memory, unit=1024**3),
        _figure(history, "waits", "Wait until the start", waits, format_duration, unit=60_000),
        _figure(history, "starts", "Executions started", starts, str),
        _figure(history, "passes", "Duration of a pass", passes, _passing),
    )


def _memory(value: int) -> str:
    return format_amount("memory", value).removesuffix(" memory")


def _passing(value: int) -> str:
    return f"{value} ms" if value < 1000 else f"{value / 1000:.1f} s"


def _figure(
    history: History,
    id_: str,
    title: str,
    curves: tuple[Curve, ...],
    write: Callable[[int], str],
    *,
    unit: int = 1,
) -> Figure:
    """Return a figure whose axis ends at a round number of ``unit``s."""
    in_units = [_in_units(curve, unit) for curve in curves]
    top = top_of(in_units, least=2) * unit
    last = tuple(_newest(curve, write) for curve in curves)
    named = ", ".join(f"{c.name} {value}" for c, value in zip(curves, last, strict=True))
    return Figure(
        id=id_,
        title=title,
        curves=curves,
        top=top,
        marks=(write(top), write(top // 2), "0"),
        last=last,
        told=f"{title}: at last {named}. The same is below as a table.",
        rows=tuple(_rows(history, curves, write))[:MOST_ROWS],
    )


def _rows(
    history: History, curves: tuple[Curve, ...], write: Callable[[int], str]
) -> Iterator[Row]:
    """Yield the steps for which something is known, the newest first."""
    steps = list(zip(history.points, *(curve.values for curve in curves), strict=True))
    for point, *values in reversed(steps):
        if any(value is not None for value in values):
            yield point.at, tuple(write(v) if v is not None else "" for v in values)


def _in_units(curve: Curve, unit: int) -> Curve:
    values = tuple(-(-value // unit) if value is not None else None for value in curve.values)
    return Curve(name=curve.name, style=curve.style, values=values)


def _newest(curve: Curve, write: Callable[[int], str]) -> str:
    return next((write(v) for v in reversed(curve.values) if v is not None), "none")
