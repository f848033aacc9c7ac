"""The first look at many manifests: what a new process does before it can decide anything.

Each round reads the repository in a process of its own, which also tells how much memory it took.
Budgets for 10,000: 15 s, and 300 MB of memory resident at the end.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from benchmarks.noop_pass import commit, manifests
from benchmarks.report import Row, arguments, show

BUDGET_MS = {10_000: 15_000}
BUDGET_MB = 300


def look(repository: str) -> dict[str, float]:
    """Fetch, parse, validate and resolve; return milliseconds and megabytes."""
    from reconciler import wire
    from reconciler.config import Settings, SourceSettings
    from reconciler.git.source import GitSource

    platform = SourceSettings(id="platform", url=repository)
    with tempfile.TemporaryDirectory(prefix="zoe-bench-") as folder:
        settings = Settings(sources=(platform,), state_dir=Path(folder))
        reader = wire.reader(settings, GitSource(platform, Path(folder) / "mirror.git"))
        begun = perf_counter()
        tip = reader.source.fetch()
        fetched = perf_counter()
        wanted = reader.read(tip, good={})
        read = perf_counter()
    return {
        "fetched_ms": (fetched - begun) * 1000,
        "read_ms": (read - fetched) * 1000,
        "found": len(wanted.manifests),
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def measure(count: int, rounds: int) -> list[Row]:
    """Return the row of a size."""
    with tempfile.TemporaryDirectory(prefix="zoe-bench-") as folder:
        repository = Path(folder) / "config.git"
        commit(repository, manifests(count))
        told = [_apart(repository) for _ in range(rounds)]
    if wrong := [one for one in told if one["found"] != count]:
        raise RuntimeError(f"{wrong[0]['found']} manifests were read, not {count}")
    most = max(one["megabytes"] for one in told)
    fetched = max(one["fetched_ms"] for one in told)
    return [
        Row(
            name=f"{count} manifests read for the first time",
            rounds_ms=tuple(one["read_ms"] for one in told),
            budget_ms=BUDGET_MS.get(count),
            note=f"after {fetched:.0f} ms of fetching; at most {most:.0f} MB (budget {BUDGET_MB})",
        )
    ]


def _apart(repository: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.cold_start", "--look", str(repository)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    told: dict[str, float] = json.loads(done.stdout)
    return told


def main() -> None:
    parser = arguments(__doc__, rounds=5)
    parser.add_argument("--executions", type=int, default=10_000)
    parser.add_argument("--look", metavar="REPOSITORY", help="One round, told as JSON.")
    given = parser.parse_args()
    if given.look:
        print(json.dumps(look(given.look)))
        return
    show(measure(given.executions, given.rounds), output=given.output)


if __name__ == "__main__":
    main()
