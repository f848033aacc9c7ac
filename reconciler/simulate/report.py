"""A comparison for people and for machines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from policy.settings import Policy
from policy.simulator.machines import Machines
from reconciler.simulate import chart
from reconciler.simulate.compare import Comparison, Scenario

_COLUMNS = (
    ("turnaround", "median", "median_turnaround_s"),
    ("turnaround", "p95", "p95_turnaround_s"),
    ("wait", "median", "median_wait_s"),
    ("wait", "p95", "p95_wait_s"),
    ("wait", "max", "max_wait_s"),
)


def to_data(scenario: Scenario, comparison: Comparison) -> dict[str, Any]:
    """Return everything, by the names that the documentation uses."""
    return {
        "workload": dict(comparison.workload),
        "cluster": _cluster(scenario.machines),
        "estimates": str(scenario.estimates),
        "policies": {name: comparison.figures(name) for name in comparison.played},
    }


def to_text(scenario: Scenario, comparison: Comparison) -> str:
    """Return a table with a row for each policy, and what the figures rest on."""
    figures = {name: comparison.figures(name) for name in comparison.played}
    base = figures.get(Policy.FIFO, {}).get("median_turnaround_s")
    heads = ["policy", *(f"{second} {first}" for first, second, _ in _COLUMNS)]
    heads += ["p95 slowdown", "cpu held", "revoked/app", "x fifo"]
    rows = [heads, *(_row(name, values, base) for name, values in figures.items())]
    return "\n".join([*_basis(scenario, comparison), "", *_aligned(rows), *_misses(figures)])


def to_svg(comparison: Comparison) -> str:
    """Return two charts: which share of the applications had ended, and started, by when."""
    panels = [
        chart.Panel(title=title, series=_series(comparison, attribute))
        for title, attribute in (
            ("Turnaround: from the queue to the end", "turnaround_s"),
            ("Wait: in the queue", "wait_s"),
        )
    ]
    return chart.distributions(panels)


def _series(comparison: Comparison, attribute: str) -> dict[str, tuple[float, ...]]:
    """Return each policy's quantiles; of several seeds, their mean quantile by quantile."""
    return {
        name: tuple(
            sum(values) / len(values)
            for values in zip(*(getattr(p, attribute) for p in played), strict=True)
        )
        for name, played in comparison.played.items()
    }


def _cluster(machines: Machines) -> dict[str, Any]:
    return {
        "nodes": len(machines.shapes),
        "cores": machines.capacity.cpu_millis / 1000,
        "memory_bytes": machines.capacity.memory_bytes,
        "pooled": machines.is_pooled,
    }


def _basis(scenario: Scenario, comparison: Comparison) -> list[str]:
    told, machines = comparison.workload, scenario.machines
    load = told["offered_load"]
    dropped = ", ".join(f"{count} {reason}" for reason, count in told["dropped"].items())
    seeds = ", ".join(map(str, told["seeds"]))
    return [
        f"{told['applications']} applications over {duration(told['window_s'])}, offered load "
        f"{'unknown' if load is None else f'{load:.3f}'}; {len(machines.shapes)} nodes "
        f"with {machines.capacity.cpu_millis / 1000:g} cores"
        f"{', pooled' if machines.is_pooled else ''}; "
        f"estimates: {scenario.estimates}; seed {seeds}",
        *([f"left out: {dropped}"] if dropped else []),
    ]


def _row(name: str, figures: Mapping[str, Any], base: float | None) -> list[str]:
    median_s = figures["median_turnaround_s"]
    cpu = figures["allocation"].get("cpu")
    return [
        name,
        *(duration(figures[key]) for _, _, key in _COLUMNS),
        f"{figures['p95_bounded_slowdown']:.1f}",
        "-" if cpu is None else f"{100 * cpu:.1f} %",
        f"{figures['revocations_per_application']:.2f}",
        f"{base / median_s:.2f}" if base and median_s else "-",
    ]


def _misses(figures: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Say so where some never started, or started again: the other figures are without them."""
    lines = []
    for name, values in figures.items():
        for reason, count in values["never_started"].items():
            lines.append(f"{name}: {count:g} never started ({reason})")
        if preempted := values["preemptions_per_application"]:
            lines.append(
                f"{name}: {preempted:g} times stopped whole and started again per application"
            )
    return lines


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows
    ]


def duration(seconds: float) -> str:
    """Return a time for people: ``0 s``, ``4 min 10 s``, ``2 h 03 min``, ``3 d 4 h``."""
    whole = round(seconds)
    for size, unit, small, small_unit in (
        (86_400, "d", 3600, "h"),
        (3600, "h", 60, "min"),
        (60, "min", 1, "s"),
    ):
        if whole >= size:
            return f"{whole // size} {unit} {whole % size // small:02d} {small_unit}"
    return f"{whole} s"
