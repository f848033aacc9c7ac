"""How long a person waits for the command line: against an interpreter that does nothing.

Budgets: 60 ms for ``zoe --version``, 150 ms for ``zoe validate`` of one file of the example
repository, 200 ms for ``zoe import`` of one file. Rounds are interleaved, so that what else the
machine does hits all alike.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks.report import Row, arguments, show

CHECKOUT = Path(__file__).parents[1]
REPOSITORY = CHECKOUT / "examples" / "repository"
SAMPLES = CHECKOUT / "tests" / "data" / "importing"
_ZOE = [sys.executable, "-c", "import sys; from reconciler.cli import main; sys.exit(main())"]
COMMANDS: dict[str, tuple[list[str], int | None]] = {
    "python -c pass": ([sys.executable, "-c", "pass"], None),
    "zoe --version": ([*_ZOE, "--version"], 60),
    "zoe validate of one file": ([*_ZOE, "validate", "executions/lab/hello.yaml"], 150),
    "zoe import zapp": ([*_ZOE, "import", "zapp", f"{SAMPLES}/v3.json"], 200),
    "zoe import compose": ([*_ZOE, "import", "compose", f"{SAMPLES}/shop.compose.yaml"], 200),
}


def once(command: list[str]) -> float:
    """Return how many milliseconds a command takes.

    Raises:
        CalledProcessError: It failed, so its time means nothing.
    """
    start = perf_counter()
    subprocess.run(
        command,
        cwd=REPOSITORY,
        env={"PYTHONPATH": str(CHECKOUT), "PATH": "/usr/bin:/bin"},
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,  # the importers' notes
    )
    return (perf_counter() - start) * 1000


def measure(rounds: int) -> list[Row]:
    """Return a row per command, the first one being the peer of the others."""
    taken: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(rounds + 1):
        for name, (command, _budget) in COMMANDS.items():
            taken[name].append(once(command))
    # The first round compiles and fills caches.
    counted = {name: times[1:] for name, times in taken.items()}
    peer = median(next(iter(counted.values())))
    return [
        Row(
            name=name,
            rounds_ms=tuple(counted[name]),
            budget_ms=budget,
            ratio=None if budget is None else median(counted[name]) / peer,
        )
        for name, (_command, budget) in COMMANDS.items()
    ]


def main() -> None:
    given = arguments(__doc__, rounds=15).parse_args()
    show(measure(given.rounds), output=given.output)


if __name__ == "__main__":
    main()
