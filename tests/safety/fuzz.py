"""Mutated manifests through the loader and mutated requests through the receiver, by the thousand.

    python -m tests.safety.fuzz --cases 20000 [--seed 1] [--record]

Case ``n`` of a seed is the same on every machine. Prints what it counted on its last line, and
ends with 1 on a breach, after the seed and the case that show it. ``--record`` adds the count to
``docs/reliability.json``.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

from tests.safety.hostile.loader_fuzz import LoaderFuzz
from tests.safety.hostile.receiver_fuzz import ReceiverFuzz

RECORD = Path(__file__).parents[2] / "docs" / "reliability.json"
PER_REQUEST = 4
"""Every fourth case is a request, the others are files."""


def run(cases: int, seed: int) -> Iterator[tuple[str, str]]:
    """Yield for each case what became of it, and what was wrong with that ("" = nothing)."""
    loader, receiver = LoaderFuzz(), ReceiverFuzz()
    for number in range(cases):
        chance = Random(f"{seed}/{number}")
        part = receiver if number % PER_REQUEST == 0 else loader
        outcome, breach = part.one(chance)
        yield outcome, f"seed {seed} case {number}: {breach}" if breach else ""


def record(cases: int, breaches: int) -> None:
    """Add to the counts that are kept."""
    kept = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    fuzz = kept.setdefault("fuzz", {"cases": 0, "breaches": 0})
    fuzz["cases"] += cases
    fuzz["breaches"] += breaches
    RECORD.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n")


def main() -> int:
    """Return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--record", action="store_true")
    given = parser.parse_args()
    logging.disable()
    counts: Counter[str] = Counter()
    breaches = 0
    started = time.process_time()
    for outcome, breach in run(given.cases, given.seed):
        counts[outcome] += 1
        if breach:
            breaches += 1
            print(breach, file=sys.stderr)  # noqa: T201 - a program's result
    if given.record:
        record(given.cases, breaches)
    told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items()))
    spent = time.process_time() - started
    print(f"{given.cases} cases, {breaches} breaches, {spent:.0f} s CPU: {told}")  # noqa: T201
    return 1 if breaches else 0


if __name__ == "__main__":
    sys.exit(main())
