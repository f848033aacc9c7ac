"""A day of 100,000 executions on 100 and on 1,000 nodes, played through the policy that runs live.

Executions come in handfuls, most of them in working hours, with what people reserve; runtimes are
the generator's, scaled so that the day offers a share of what the cluster could do. It begins with
an empty cluster. What ends within a second is one decision, as in a loop that looks each second at
what moves; what starting and stopping costs the Swarm is left out. A decision counts with the
reasons of all who wait, in processor time: the figures mean the same on a machine that does
something else as well. ``--hours 12`` plays the day until noon.
"""

from __future__ import annotations

import cProfile
import pstats
import random
from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from time import process_time

from benchmarks.decide import NODE, reshaped
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
from policy.simulator.record import Run

EXECUTIONS = 100_000
HOUR_MS = 3_600_000
PASS_MS = 1000
HOURS = (2, 1, 1, 1, 1, 1, 1, 2, 5, 8, 9, 9, 6, 8, 9, 9, 8, 6, 4, 3, 3, 3, 2, 2)
"""How much comes in each hour of the day, against the others."""

KEPT = 1000
"""So many quantiles of the decisions' times are kept."""


@dataclass
class Watch:
    """Decides, and notes how long it took and who waited and ran."""

    taken_ms: list[float] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)
    running: int = 0

    def __call__(self, snapshot: Snapshot, settings: PolicySettings) -> Decision:
        """Decide, measured."""
        start = process_time()
        decision = decide(snapshot, settings)
        self.waiting.append(len(decision.waits))
        self.taken_ms.append((process_time() - start) * 1000)
        admitted = sum(e.is_admitted for e in snapshot.executions)
        self.running = max(self.running, admitted + len(decision.starts))
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
    nodes: int, count: int, load_permille: int, hours: int, policy: Policy, *, profile: bool
) -> Row:
    """Return the row of a day."""
    machines = Machines.equal(nodes, NODE)
    watch = Watch()
    engine = Engine(
        PolicySettings(policy=policy), machines.nodes(), quantum_ms=PASS_MS, decider=watch
    )
    applications = day(count, machines, load_permille, random.Random(1))
    profiler = cProfile.Profile()
    if profile:
        profiler.enable()
    begun = process_time()
    run = engine.run(applications, knowledge=Knowledge(Estimates.USER), until_ms=hours * HOUR_MS)
    taken_s = process_time() - begun
    profiler.disable()
    if profile:
        pstats.Stats(profiler).sort_stats("tottime").print_stats(40)
    taken = sorted(watch.taken_ms)
    return Row(
        name=f"{policy}: {nodes} nodes, {count} a day at load {load_permille / 1000:g}, {hours} h",
        rounds_ms=tuple(percentile(taken, place * 1000 // KEPT) for place in range(KEPT + 1)),
        note="; ".join(
            [
                f"p99 {percentile(taken, 990):.1f} ms; {run.decisions} decisions, "
                f"{taken_s:.0f} s of processor time",
                f"{watch.running} ran at most",
                f"waiting {_spread(sorted(watch.waiting), 1)}",
                f"waited {_spread(_waits(run), 60_000)} min",
                f"cpu held {dict(run.occupancy.permille)['cpu'] / 10:.0f} %",
                most_memory(),
            ]
        ),
    )


def _waits(run: Run) -> list[int]:
    """Return how long everybody who came waited, those who still do included."""
    return sorted(
        record.waited_ms if record.started_ms is not None else run.ended_ms - record.queued_ms
        for record in run.records.values()
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
    parser.add_argument("--profile", action="store_true", help="Print where the time goes.")
    given = parser.parse_args()
    rows = [
        measure(
            nodes,
            given.executions,
            round(given.load * 1000),
            given.hours,
            given.policy,
            profile=given.profile,
        )
        for nodes in given.nodes
    ]
    show(rows, output=given.output)


if __name__ == "__main__":
    main()
