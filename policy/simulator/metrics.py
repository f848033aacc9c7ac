"""What a run comes to: turnaround, wait, slowdown, revocations, and how full the cluster was.

Figures are for people and reports (seconds, fractions); nothing is decided on them. Only
applications that ended count, beside the numbers of those that didn't.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean, median
from typing import Any

from policy.simulator.application import Kind
from policy.simulator.chance import Chance
from policy.simulator.record import Record, Run

TAU_MS = 10_000
"""Below this runtime slowdown is bounded: a job of a second that waits a minute isn't 60 times
worse off (Feitelson and Rudolph 1998)."""

RESAMPLES = 1000

Figures = dict[str, Any]


def summary(run: Run) -> Figures:
    """Return the figures of a run, and of each class of applications in it."""
    records = list(run.records.values())
    by_kind = {kind: [r for r in records if r.kind is kind] for kind in Kind}
    waiting = Counter(r.reason or "Unknown" for r in records if r.started_ms is None)
    return {
        **figures(records),
        "allocation": {name: value / 1000 for name, value in run.occupancy.permille},
        "makespan_s": _makespan_s(records),
        "decisions": run.decisions,
        "never_started": dict(sorted(waiting.items())),
        "classes": {str(kind): figures(some) for kind, some in by_kind.items() if some},
    }


def figures(records: Sequence[Record]) -> Figures:
    """Return the figures of some applications."""
    ended = [r for r in records if r.ended_ms is not None]
    result: Figures = {"applications": len(records), "ended": len(ended)}
    result |= _spread("turnaround_s", [r.ended_ms - r.queued_ms for r in ended], 1000)  # type: ignore[operator]
    result |= _spread("wait_s", [r.waited_ms for r in ended], 1000)
    result |= _spread("bounded_slowdown", [bounded_slowdown(r) for r in ended], 1)
    for name in ("revocations", "preemptions"):
        total = sum(getattr(r, name) for r in records)
        result[f"{name}_per_application"] = round(total / len(records), 4) if records else 0.0
    return result


def bounded_slowdown(record: Record) -> float:
    """Return turnaround over the runtime at full rate, at least 1."""
    turnaround = record.turnaround_ms or 0
    return max(1.0, turnaround / max(record.runtime_ms or 0, TAU_MS))


def percentile(ordered: Sequence[float], permille: int) -> float:
    """Return a percentile of values in order, interpolated between its neighbours."""
    if not ordered:
        return 0.0
    place, rest = divmod((len(ordered) - 1) * permille, 1000)
    if not rest:
        return ordered[place]
    return ordered[place] + (ordered[place + 1] - ordered[place]) * rest / 1000


def interval(values: Sequence[float], chance: Chance) -> tuple[float, float]:
    """Return where the mean of such values lies nineteen times of twenty (bootstrap)."""
    size = len(values)
    means = sorted(
        fmean(values[chance.randrange(size)] for _ in range(size)) for _ in range(RESAMPLES)
    )
    return percentile(means, 25), percentile(means, 975)


def combined(summaries: Sequence[Figures], chance: Chance) -> Figures:
    """Return the means of the figures of several seeds, and intervals of the main ones."""
    if len(summaries) == 1:
        return summaries[0]
    intervals = {
        name: [round(bound, 3) for bound in interval([s[name] for s in summaries], chance)]
        for name, value in summaries[0].items()
        if isinstance(value, float)
    }
    return {**_mean(summaries), "interval_95": intervals}


def _mean(values: Sequence[Mapping[str, Any]]) -> Figures:
    """Return the means by name, as deep as it goes; what one lacks counts as nothing."""
    names = dict.fromkeys(name for value in values for name in value)
    return {name: _mean_of([value.get(name, 0) for value in values]) for name in names}


def _mean_of(values: Sequence[Any]) -> Any:
    if any(isinstance(value, Mapping) for value in values):
        return _mean([value or {} for value in values])
    return round(fmean(values), 4)


def _spread(name: str, values: Iterable[float], unit: int) -> Figures:
    ordered = sorted(values)
    if not ordered:
        ordered = [0]
    return {
        f"median_{name}": round(median(ordered) / unit, 4),
        f"mean_{name}": round(fmean(ordered) / unit, 4),
        f"p95_{name}": round(percentile(ordered, 950) / unit, 4),
        f"max_{name}": round(ordered[-1] / unit, 4),
    }


def _makespan_s(records: Sequence[Record]) -> float:
    ends = [r.ended_ms for r in records if r.ended_ms is not None]
    return (max(ends) - min(r.queued_ms for r in records)) / 1000 if ends else 0.0
