"""A day of 100,000 executions on 100 and on 1,000 nodes, played through the policy that runs live.

Executions come in handfuls, most of them in working hours, with what people reserve; runtimes are
the generator's, scaled so that the day offers a share of what the cluster could do. It begins at
six with an empty cluster. What ends within a second is one decision, as in a loop that looks each
second at what moves; what starting and stopping costs the Swarm is left out. A decision counts with
the reasons of all who wait, in processor time: the figures mean the same on a machine that does
something else as well. ``--hours 6`` plays the day until noon, ``--seconds`` as far as it comes.
"""

from __future__ import annotations

import cProfile
import pstats
import random
from bisect import bisect
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import accumulate
from time import process_time

from benchmarks.decide import NODE, EnoughSeen, reshaped
from benchmarks.report import Row, arguments, most_memory, show
from policy.model.cluster import Snapshot
from policy.model.decision import Decision
from policy.scheduler import decide
from policy.settings import Policy, PolicySettings
from policy.simulator.application import Application
from policy.simulator.chance import Chance
from policy.simulator.engine import Engine
from policy.simulator.generator import BURST, Mix, generate
from policy.simulator.knowledge import Estimates, Knowledge
from policy.simulator.load import offered_permille
from policy.simulator.machines import Machines
from policy.simulator.metrics import percentile

EXECUTIONS = 100_000
HOUR_MS = 3_600_000
PASS_MS = 1000
HOURS = (1, 2, 5, 8, 9, 9, 6, 8, 9, 9, 8, 6, 4, 3, 3, 3, 2, 2, 2, 1, 1, 1, 1, 1)
"""How much comes in each hour of the day, against the others, from six in the morning on."""

KEPT = 1000
"""So many quantiles of the decisions' times are kept."""


@dataclass
class Watch:
    """Decides, and notes how long it took, who ran, who waited, and for how long who starts did.

    Raises ``EnoughSeen`` from a decision once all of them took longer than ``seconds``.
    """

    seconds: int
    taken_ms: list[float] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)
    waited_ms: list[int] = field(default_factory=list)
    running: int = 0
    now_ms: int = 0
    spent_ms: float = 0

    def __call__(self, snapshot: Snapshot, settings: PolicySettings) -> Decision:
        """Decide, measured."""
        start = process_time()
        decision = decide(snapshot, settings)
        self.waiting.append(len(decision.waits))
        self.taken_ms.append((process_time() - start) * 1000)
        self.now_ms = snapshot.now_ms
        if decision.starts:
            queued = {e.uid: e.queued_ms for e in snapshot.executions if not e.is_admitted}
            self.waited_ms += [self.now_ms - queued[start.uid] for start in decision.starts]
        admitted = sum(e.is_admitted for e in snapshot.executions)
        self.running = max(self.running, admitted + len(decision.starts))
        self.spent_ms += self.taken_ms[-1]
        if self.seconds and self.spent_ms > self.seconds * 1000:
            raise EnoughSeen
        return decision


def day(
    count: int, machines: Machines, load_permille: int, chance: random.Random
) -> list[Application]:
    """Return a day's executions, in handfuls that arrive together."""
    times = sorted(_moment(chance) for _ in range(0, count, BURST))
    made = [
        reshaped(_arriving(application, times[number // BURST]), chance)
        for number, application in enumerate(generate(count, chance, Mix()))
    ]
    offered = offered_permille(made, machines.capacity)
    assert offered
    return [_scaled(application, load_permille, offered) for application in made]


def _moment(chance: Chance) -> int:
    until = list(accumulate(HOURS))
    return bisect(until, chance.randrange(until[-1])) * HOUR_MS + chance.randrange(HOUR_MS)


def _arriving(application: Application, at_ms: int) -> Application:
    return replace(application, execution=replace(application.execution, queued_ms=at_ms))


def _scaled(application: Application, wanted: int, offered: int) -> Application:
    runtime_ms, hint_ms = application.runtime_ms or 1, application.hint_ms or 1
    return replace(
        application,
        runtime_ms=max(1, runtime_ms * wanted // offered),
        hint_ms=max(1, hint_ms * wanted // offered),
    )


def measure(
    nodes: int,
    count: int,
    load_permille: int,
    policy: Policy,
    *,
    hours: int,
    seconds: int,
    profile: bool,
) -> Row:
    """Return the row of a day."""
    machines = Machines.equal(nodes, NODE)
    watch = Watch(seconds)
    engine = Engine(
        PolicySettings(policy=policy), machines.nodes(), quantum_ms=PASS_MS, decider=watch
    )
    applications = day(count, machines, load_permille, random.Random(1))
    profiler = cProfile.Profile()
    if profile:
        profiler.enable()
    with suppress(EnoughSeen):
        engine.run(applications, knowledge=Knowledge(Estimates.USER), until_ms=hours * HOUR_MS)
    profiler.disable()
    if profile:
        pstats.Stats(profiler).sort_stats("tottime").print_stats(40)
    taken, waiting = sorted(watch.taken_ms), sorted(watch.waiting)
    played = f"{watch.now_ms / HOUR_MS:.1f} h"
    return Row(
        name=f"{policy}: {nodes} nodes, {count} a day at load {load_permille / 1000:g}, {played}",
        rounds_ms=tuple(percentile(taken, place * 1000 // KEPT) for place in range(KEPT + 1)),
        note="; ".join(
            [
                f"p99 {percentile(taken, 990):.1f} ms",
                f"{len(taken)} decisions in {watch.spent_ms / 1000:.0f} s of processor time",
                f"{len(watch.waited_ms)} started, at most {watch.running} ran at a time",
                f"waiting {_spread(waiting, 1)} at the end {watch.waiting[-1]}",
                f"waited {_spread(sorted(watch.waited_ms), 60_000)} min",
                most_memory(),
            ]
        ),
    )


def _spread(ordered: Sequence[int], unit: int) -> str:
    """Return median, 99th percentile and the most."""
    parts = [percentile(ordered, place) / unit for place in (500, 990, 1000)]
    return " / ".join(f"{part:.0f}" for part in parts)


def main() -> None:
    parser = arguments(__doc__, rounds=1)
    parser.add_argument("--policy", type=Policy, default=Policy.FAIR)
    parser.add_argument("--nodes", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--executions", type=int, default=EXECUTIONS)
    parser.add_argument("--load", type=float, default=0.9)
    parser.add_argument("--hours", type=int, default=24)
    parser.add_argument("--seconds", type=int, default=0, help="Of processor time; 0: all of it.")
    parser.add_argument("--profile", action="store_true", help="Print where the time goes.")
    given = parser.parse_args()
    rows = [
        measure(
            nodes,
            given.executions,
            round(given.load * 1000),
            given.policy,
            hours=given.hours,
            seconds=given.seconds,
            profile=given.profile,
        )
        for nodes in given.nodes
    ]
    show(rows, output=given.output)


if __name__ == "__main__":
    main()
