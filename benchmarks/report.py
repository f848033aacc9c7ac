"""What every benchmark prints: the machine, a row per thing measured, medians and ratios."""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One thing measured in several rounds. ``ratio`` is to the peer of the same run."""

    name: str
    rounds_ms: tuple[float, ...]
    budget_ms: float | None = None
    ratio: float | None = None
    budget_ratio: float | None = None
    note: str = ""

    @property
    def median_ms(self) -> float:
        """The middle of the rounds."""
        return median(self.rounds_ms)

    @property
    def is_met(self) -> bool | None:
        """Whether the budgets are met; None where there are none."""
        met = []
        if self.budget_ms is not None:
            met.append(self.median_ms <= self.budget_ms)
        if self.budget_ratio is not None and self.ratio is not None:
            met.append(self.ratio <= self.budget_ratio)
        return all(met) if met else None


def arguments(description: str | None, *, rounds: int) -> argparse.ArgumentParser:
    """Return a parser that knows ``-o`` and ``--rounds``."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("-o", "--output", choices=["text", "json"], default="text")
    parser.add_argument("--rounds", type=int, default=rounds)
    return parser


def machine() -> str:
    """Return what a figure says nothing without: processor, system, Python, load and speed."""
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        if line.startswith("model name")
    ]
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return ", ".join(
        (
            names[0] if names else platform.machine(),
            f"{os.cpu_count()} cores",
            f"{platform.system()} {platform.release()}",
            f"Python {platform.python_version()}",
            f"load {load}",
            f"loop {loop_ms():.0f} ms",
        )
    )


def loop_ms() -> float:
    """Return how long a million additions take now: a shared host isn't always as fast."""
    begun = perf_counter()
    total = 0
    for number in range(1_000_000):
        total += number
    return (perf_counter() - begun) * 1000


def most_memory() -> str:
    """Return the most memory that this process has had at any time."""
    kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return f"at most {kib // 1024} MiB"


def show(rows: Sequence[Row], *, output: str) -> None:
    """Print the rows as a table or as JSON."""
    if output == "json":
        print(as_json(rows))
        return
    print(machine())
    for row in rows:
        print(line(row))


def as_json(rows: Sequence[Row]) -> str:
    """Return the machine and the rows as :func:`row_of` reads them."""
    results = [asdict(row) | {"median_ms": round(row.median_ms, 2)} for row in rows]
    return json.dumps({"machine": machine(), "results": results}, indent=2)


def line(row: Row) -> str:
    """Return a row of the table."""
    parts = [f"{row.name:<44} median {row.median_ms:9.1f} ms of {len(row.rounds_ms)}"]
    parts.append(f"(min {min(row.rounds_ms):.1f}, max {max(row.rounds_ms):.1f})")
    if row.budget_ms is not None:
        parts.append(f"budget {row.budget_ms:g} ms")
    if row.ratio is not None:
        parts.append(f"ratio {row.ratio:.2f}")
    if row.budget_ratio is not None:
        parts.append(f"budget {row.budget_ratio:.3g}")
    if row.is_met is False:
        parts.append("MISSED")
    return " ".join([*parts, row.note]).rstrip()


def row_of(data: Mapping[str, Any]) -> Row:
    """Return the row that :func:`show` printed as JSON."""
    known = {field.name: data[field.name] for field in fields(Row)}
    return Row(**known | {"rounds_ms": tuple(data["rounds_ms"])})
