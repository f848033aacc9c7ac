"""Mutated manifests through the loader and mutated requests through the receiver, by the thousand.

    python -m tests.safety.fuzz --cases 20000 [--seed 1] [--first 0] [--record]

Case ``n`` of a seed is the same on every machine. The cases run in a process of their own with
bounded memory: one that ends it, or hangs in it, is told as a breach, and the next case goes on in
another. Prints what it counted on its last line, and ends with 1 on a breach, after the seed and
the case that show it; an interruption ends it early. ``--record`` goes on behind what was recorded
of the seed before, and adds to ``docs/reliability.json``.
"""

from __future__ import annotations

import argparse
import json
import logging
import multiprocessing
import resource
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import Any, Protocol

RECORD = Path(__file__).parents[2] / "docs" / "reliability.json"
PER_REQUEST = 4
"""Every fourth case is a request, the others are files."""
MEMORY_BYTES = 2 * 1024**3
HANGS_S = 60.0
"""A case is slow after a second of processor time (its part says so); this one never ends."""


class Part(Protocol):
    """What takes one case."""

    def one(self, chance: Random) -> tuple[str, str]:
        """Return what became of a case, and what was wrong with that ("" = nothing)."""


Parts = Callable[[], tuple[Part, Part]]
"""Makes what takes requests, and what takes files."""


def receiver_and_loader() -> tuple[Part, Part]:
    """Return the parts of production."""
    from tests.safety.hostile.loader_fuzz import LoaderFuzz
    from tests.safety.hostile.receiver_fuzz import ReceiverFuzz

    return ReceiverFuzz(), LoaderFuzz()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cases:
    """The cases from ``first`` up to ``end`` (not included) of a seed."""

    seed: int
    first: int
    end: int

    def run(self, parts: Parts = receiver_and_loader) -> Iterator[tuple[str, str]]:
        """Yield for each case what became of it, and what was wrong with that."""
        receiver, loader = parts()
        for number in range(self.first, self.end):
            part = receiver if number % PER_REQUEST == 0 else loader
            yield part.one(Random(f"{self.seed}/{number}"))

    def run_apart(
        self, parts: Parts = receiver_and_loader, *, hangs_s: float = HANGS_S
    ) -> Iterator[tuple[str, str]]:
        """Do the same in other processes: also what kills or stops those is told."""
        number = self.first
        while number < self.end:
            with _process(Cases(seed=self.seed, first=number, end=self.end), parts) as answers:
                while number < self.end:
                    outcome, breach = _heard(answers, hangs_s)
                    yield outcome, f"seed {self.seed} case {number}: {breach}" if breach else ""
                    number += 1
                    if outcome in (_DIED, _HUNG):
                        break


_DIED, _HUNG = "died", "hung"


def _heard(answers: Connection, hangs_s: float) -> tuple[str, str]:
    try:
        if not answers.poll(hangs_s):
            return _HUNG, f"nothing came of it for {hangs_s} s"
        found: tuple[str, str] = answers.recv()
    except EOFError:
        return _DIED, "it ended its process"
    return found


@contextmanager
def _process(cases: Cases, parts: Parts) -> Iterator[Connection]:
    """Lend the answers of a process that takes cases."""
    here = multiprocessing.get_context("fork")
    answers, theirs = here.Pipe(duplex=False)
    process = here.Process(target=_take, args=(cases, parts, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        yield answers
    finally:
        answers.close()
        process.kill()
        process.join()


def _take(cases: Cases, parts: Parts, answers: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the end of it is the parent's to decide
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for found in cases.run(parts):
        answers.send(found)


def recorded(seed: int) -> int:
    """Return how many cases of a seed are in the record."""
    fuzz = _kept().get("fuzz", {})
    return int(fuzz.get("seeds", {}).get(str(seed), 0))


def record(seed: int, end: int, breaches: int) -> None:
    """Add to what is kept: the cases of ``seed`` up to ``end``."""
    kept = _kept()
    fuzz = kept.setdefault("fuzz", {})
    seeds = fuzz.setdefault("seeds", {})
    seeds[str(seed)] = max(end, seeds.get(str(seed), 0))
    fuzz["cases"] = sum(seeds.values())
    fuzz["breaches"] = fuzz.get("breaches", 0) + breaches
    RECORD.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n")


def _kept() -> dict[str, Any]:
    return json.loads(RECORD.read_text()) if RECORD.exists() else {}


def main() -> int:
    """Return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cases", type=int, default=10_000, help="how many (10000)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, help="the number of the first case (0)")
    parser.add_argument("--record", action="store_true", help="go on from what was recorded")
    given = parser.parse_args()
    logging.disable()
    first = given.first or 0
    if given.record and given.first is None:
        first = recorded(given.seed)
    counts, breaches = _counted(Cases(seed=given.seed, first=first, end=first + given.cases))
    taken = counts.total()
    if given.record:
        record(given.seed, first + taken, breaches)
    told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items()))
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = usage.ru_utime + usage.ru_stime
    print(f"{taken} cases, {breaches} breaches, {spent:.0f} s CPU: {told}")  # noqa: T201
    return 1 if breaches or taken < given.cases else 0


def _counted(cases: Cases) -> tuple[Counter[str], int]:
    """Return what came of them, and the breaches; those up to an interruption."""
    counts: Counter[str] = Counter()
    breaches = 0
    with suppress(KeyboardInterrupt):
        for outcome, breach in cases.run_apart():
            counts[outcome] += 1
            if breach:
                breaches += 1
                print(breach, file=sys.stderr, flush=True)  # noqa: T201 - a program's result
    return counts, breaches


if __name__ == "__main__":
    sys.exit(main())
