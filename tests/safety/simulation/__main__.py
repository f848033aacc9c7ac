"""Run many seeds: ``python -m tests.safety.simulation --seeds 1000 [--first 1] [--record]``.

The figures are on the last line; it ends with 1 if a promise was broken. ``--record`` adds them to
docs/reliability.json every few hundred seeds, and leaves out those that are in there: a run that
was broken off goes on where it was, and several at once are one. The line before tells what memory
the process had after the first few hundred and at the end: nothing of a world may stay.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import replace

from tests.safety.simulation.database import Databases
from tests.safety.simulation.figures import RECORD, Figures, left, resident_kib
from tests.safety.simulation.minimal import minimal
from tests.safety.simulation.planted import BUGS
from tests.safety.simulation.world import Result, simulate

_TRACED = 3
"""So many seeds that fail are shown with a minimal trace; of the others only what is broken."""
_AT_ONCE = 250
_WARM = 500


def main() -> int:
    """Run them; print the figures on the last line; return 1 after a breach."""
    given = _parsed()
    logging.disable(logging.CRITICAL)
    seeds = range(given.first, given.first + given.seeds)
    parts: Iterable[range] = left(RECORD, seeds, at_once=_AT_ONCE) if given.record else [seeds]
    started, databases, total = time.process_time(), Databases(), Figures()
    warm_kib = 0
    try:
        for part in parts:
            figures = Figures()
            for seed in part:
                result = _lived(seed, databases, given)
                figures.add(result)
                total.add(result)
                warm_kib = resident_kib() if total.seeds == _WARM else warm_kib
            if given.record:
                figures.add_to(RECORD, part)
    except KeyboardInterrupt:
        _say("broken off")
    if warm_kib:
        _say(f"resident_kib={warm_kib} after {_WARM} seeds, {resident_kib()} at the end")
    _say(total.line(time.process_time() - started))
    databases.close()
    return bool(total.breaches)


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="simulate-faults")
    parser.add_argument("--seeds", type=int, default=1000, help="how many")
    parser.add_argument("--first", type=int, default=1, help="the first one")
    parser.add_argument("--trace", action="store_true", help="print what happened in each")
    parser.add_argument("--planted", choices=sorted(BUGS), help="a bug that must be found")
    parser.add_argument("--record", action="store_true", help=f"add the figures to {RECORD.name}")
    given = parser.parse_args()
    if given.record and given.planted:
        parser.error("what is found with a planted bug isn't recorded")
    return given


def _lived(seed: int, databases: Databases, given: argparse.Namespace) -> Result:
    with BUGS[given.planted]() if given.planted else nullcontext():
        result = simulate(seed, databases.of(seed))
        if result.breaches:
            _show(result, databases, given)
        elif given.trace:
            _say("\n".join((f"seed {seed}", *result.trace)))
    return replace(result, trace=())


def _show(result: Result, databases: Databases, given: argparse.Namespace) -> None:
    given.shown = getattr(given, "shown", 0) + 1
    trace: tuple[str, ...] = ()
    if given.shown <= _TRACED:
        trace = minimal(result, databases.of(result.seed)).trace
    _say("\n".join((f"seed {result.seed}", *trace, *result.breaches)))


def _say(what: str) -> None:
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
