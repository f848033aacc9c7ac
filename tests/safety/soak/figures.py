"""What a soak came to. Pure but for the file that it is added to."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from reconciler.git import packing
from tests.safety.soak.growth import Points, later_half, per_hour

PROCESSES = ("run", "web")
MEMORY_PERMILLE = 10
"""How much the memory of a process may grow in an hour, beyond what it keeps of runs."""
KEPT_BYTES = {"run": 12_000, "web": 6_000}
"""What a process keeps of a run that has ended, at most: docs/scaling.md has what was measured."""
MORE_FILES, MORE_THREADS = packing.MOST // 2, 5
"""How many more there may be in the last quarter than in the second: packs come and go."""

Series = Mapping[str, Points]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Growth is by the hour, over the second half. All of ``breaches`` must be empty."""

    minutes: int
    database: str
    changes: int
    passes: int
    runs: int
    orphans: int
    """Services, networks and containers that are left when all that came has gone."""
    stuck: int
    """Executions that were on their way for longer than is sane."""
    faults: int
    """Lines of logs that nobody expected, and warnings."""
    touched: int
    """Services of what stands that aren't as they were made."""
    run_rss_mib: int
    run_growth_kib: int
    run_growth_permille: int
    run_beyond_permille: int
    """What of the growth isn't explained by what is kept of runs that have ended."""
    run_files_more: int
    run_threads_more: int
    web_rss_mib: int
    web_growth_kib: int
    web_growth_permille: int
    web_beyond_permille: int
    web_files_more: int
    web_threads_more: int
    runs_an_hour: int
    database_kib: int
    database_growth_kib: int
    mirrors_kib: int
    mirrors_growth_kib: int
    branch_commits: int
    log_bytes_a_change: int

    @property
    def breaches(self) -> tuple[str, ...]:
        """Return the names of promises that were broken."""
        found = [n for n in ("orphans", "stuck", "faults", "touched") if getattr(self, n)]
        found += [
            name
            for process in PROCESSES
            for name, most in (
                (f"{process}_beyond_permille", MEMORY_PERMILLE),
                (f"{process}_files_more", MORE_FILES),
                (f"{process}_threads_more", MORE_THREADS),
            )
            if getattr(self, name) > most
        ]
        return tuple(found)

    def __str__(self) -> str:
        """Return one line."""
        return "soak: " + " ".join(f"{name}={value}" for name, value in asdict(self).items())

    def record(self, path: Path) -> None:
        """Put this soak into the file, by its database; the other sections stay."""
        told = json.loads(path.read_text()) if path.exists() else {}
        found = asdict(self)
        told["soak"] = told.get("soak", {}) | {found.pop("database"): found}
        path.write_text(json.dumps(told, indent=2, sort_keys=True) + "\n")


def of_process(name: str, series: Series) -> dict[str, int]:
    """Return a process's figures, by the names that they have in ``Figures``."""
    own = later_half(series[f"{name}.own"])
    runs = per_hour(later_half(series["store.runs"]))
    growth = per_hour(own)
    size = max(1, level(own))
    beyond = growth - runs * KEPT_BYTES[name]
    return {
        f"{name}_rss_mib": round(level(later_half(series[f"{name}.rss"])) / 2**20),
        f"{name}_growth_kib": round(growth / 1024),
        f"{name}_growth_permille": round(1000 * growth / size),
        f"{name}_beyond_permille": max(0, round(1000 * beyond / size)),
        f"{name}_files_more": more(series[f"{name}.files"]),
        f"{name}_threads_more": more(series[f"{name}.threads"]),
    }


def level(points: Points) -> float:
    """Return the middle one of what was measured."""
    values = sorted(value for _, value in points)
    return values[len(values) // 2] if values else 0.0


def more(points: Points) -> int:
    """Return how much higher the last quarter lies than the second."""
    quarter = len(points) // 4
    return round(level(points[3 * quarter :]) - level(points[quarter : 2 * quarter]))


def last(points: Sequence[tuple[float, float]]) -> int:
    """Return what was measured last."""
    return round(points[-1][1]) if points else 0
