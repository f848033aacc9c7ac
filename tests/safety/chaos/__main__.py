"""Break real parts round after round and check that nothing is lost, doubled or left.

    python -m tests.safety.chaos --rounds 20 --only kills --seed 7

A round is known by its seed and number alone: ``--first`` goes on where another run ended. The
first sixteen rounds of ``kills`` are the named points in their order. The last line has the
figures; it ends with 1 if a promise was broken. ``--record`` adds them to docs/reliability.json.
"""

from __future__ import annotations

import argparse
import signal
import sys
from random import Random
from time import monotonic

from tests.e2e.process import ROOT
from tests.safety.chaos import work
from tests.safety.chaos.figures import Figures
from tests.safety.chaos.misfortunes import KINDS, After
from tests.safety.chaos.stage import PASSES, Failed, Stage, lent_stage, passes_with_creations

RECORD = ROOT / "docs" / "reliability.json"
RETURNS_MS = 10_000
COUNT_EVERY = 25


def main() -> int:
    given = _arguments()
    figures = Figures()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started is ended
    try:
        with lent_stage() as stage:
            _rounds(stage, figures, given)
    except KeyboardInterrupt:
        return 130
    finally:  # whole rounds count, also of a run that was broken off
        if given.record:
            figures.add_to(RECORD)
        _say(str(figures))
    return int(figures.is_breached)


def _rounds(stage: Stage, figures: Figures, given: argparse.Namespace) -> None:
    kinds = [given.only] if given.only else list(KINDS)
    for number in range(given.first, given.first + given.rounds):
        kind = kinds[number % len(kinds)]
        chance = Random(f"{given.seed}/{kind}/{number}")
        _round(stage, figures, kind, chance, number, number // len(kinds))
        figures.rounds[kind] = figures.rounds.get(kind, 0) + 1
        is_last = number == given.first + given.rounds - 1
        if is_last or number % COUNT_EVERY == COUNT_EVERY - 1:
            _count(stage, figures, number)
        for fault in stage.faults[figures.faults :]:
            _say(fault[:2000])
        figures.executions, figures.faults = stage.executions, len(stage.faults)


def _round(
    stage: Stage, figures: Figures, kind: str, chance: Random, number: int, index: int
) -> None:
    burst = work.burst(number, takes_away=number - 1 if stage.rounds else None)
    stage.rounds += 1
    begun = monotonic()
    try:
        after = KINDS[kind](stage, chance, burst, index)
    except Failed as error:  # somebody waited in vain
        figures.late += 1
        _say(f"round {number} {kind}: {error}")
        stage.end_all()
        stage.start()
        figures.lost += len(stage.converge())  # what was asked for comes true all the same
        stage.end_all()
        return
    what = f"round {number} {kind} at {after.what}"
    _judge(stage, figures, after, what)
    stage.end_all()
    _say(f"{what}: {monotonic() - begun:.0f} s")


def _judge(stage: Stage, figures: Figures, after: After, what: str) -> None:
    missing = stage.converge()
    passes = passes_with_creations(after.run, before=after.since)
    figures.longest_return_ms = max(figures.longest_return_ms, after.idle_ms)
    figures.lost += len(missing)
    again, tried = stage.attempts()
    tried = stage.fresh("tried again", tried)
    figures.tried_again += len(tried)
    # What the engine couldn't start is made again as its back-off has it.
    figures.most_passes = max(figures.most_passes, 0 if tried else passes)
    figures.late += (passes > PASSES and not tried) or after.idle_ms > RETURNS_MS
    told = {
        "lost": [f"{name}: {phase}" for name, phase in missing.items()],
        "doubled": stage.fresh("doubled", stage.doubled()),
        "rerun": stage.fresh("rerun", again),
        "tried again": tried,
        "orphans": stage.fresh("orphans", stage.orphans()),
        "stale": stage.fresh("stale", [*stage.breaches(), *stage.regressions()]),
        "untold": stage.untold() if after.compares else [],
    }
    for name in ("doubled", "rerun", "orphans", "stale", "untold"):
        setattr(figures, name, getattr(figures, name) + len(told[name]))
    _say(f"{what}: {passes} passes" + "".join(f"; {k} {v}" for k, v in told.items() if v))


def _count(stage: Stage, figures: Figures, number: int) -> None:
    stage.start()
    twice, missing = stage.counted(number)
    figures.rerun += len(stage.fresh("twice", twice))
    figures.lost += missing
    _say(f"{len(stage.batches)} batches wrote down their starts: {twice or 'each once'}")
    stage.end_all()


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - what it is for


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.safety.chaos", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="the number of the first round")
    parser.add_argument("--only", choices=sorted(KINDS))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--record", action="store_true", help=f"add the figures to {RECORD.name}")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
