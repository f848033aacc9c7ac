"""Run many seeds: ``python -m tests.safety.simulation --seeds 1000 [--first 1]``."""

from __future__ import annotations

import argparse
import logging
import sys
import time
from contextlib import nullcontext
from dataclasses import replace

from tests.safety.simulation.database import Databases
from tests.safety.simulation.minimal import minimal
from tests.safety.simulation.planted import BUGS
from tests.safety.simulation.world import Result, simulate

_TRACED = 3
"""So many seeds that fail are shown with a minimal trace; of the others only what is broken."""


def main() -> int:
    """Run them; print the figures on the last line; return 1 after a breach."""
    parser = argparse.ArgumentParser(prog="simulate-faults")
    parser.add_argument("--seeds", type=int, default=1000, help="how many")
    parser.add_argument("--first", type=int, default=1, help="the first one")
    parser.add_argument("--trace", action="store_true", help="print what happened in each")
    parser.add_argument("--planted", choices=sorted(BUGS), help="a bug that must be found")
    given = parser.parse_args()
    logging.disable(logging.CRITICAL)
    started, databases = time.process_time(), Databases()
    results: list[Result] = []
    failed = 0
    for seed in range(given.first, given.first + given.seeds):
        with BUGS[given.planted]() if given.planted else nullcontext():
            result = simulate(seed, databases.of(seed))
        if given.trace:
            _print(result)
        if result.breaches:
            failed += 1
            smaller = minimal(result, databases.of(seed)) if failed <= _TRACED else result
            _print(smaller if failed <= _TRACED else replace(result, trace=()))
        results.append(replace(result, trace=()))
    _print_figures(results, time.process_time() - started)
    return any(result.breaches for result in results)


def _print(result: Result) -> None:
    sys.stdout.write("\n".join((f"seed {result.seed}", *result.trace, *result.breaches, "")))
    sys.stdout.flush()


def _print_figures(results: list[Result], seconds: float) -> None:
    failed = [result.seed for result in results if result.breaches]
    sys.stdout.write(
        f"seeds={len(results)} calls={sum(r.calls for r in results)}"
        f" effects={sum(r.effects for r in results)} faults={sum(r.faults for r in results)}"
        f" breaches={sum(len(r.breaches) for r in results)} failed={failed[:20]}"
        f" cpu_seconds={seconds:.1f}\n"
    )


if __name__ == "__main__":
    sys.exit(main())
