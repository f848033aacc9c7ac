"""How long a decision takes, over successive snapshots of a full cluster with a long queue.

The paper's applications, with what people reserve instead of what Google's tasks used, arrive at
full load while thousands wait; each event (an arrival, an end, a wake-up) is a decision with the
default policy on the nodes themselves, not on a pool. The same history is played three times, and
of each decision the least time counts: what is more is the machine's. With the reasons of everybody
who waits, which a pass shows, is told beside it. Budgets (p99): 5 ms for 100 nodes and 1,000
waiting, 20 ms for 10,000, 100 ms for 1,000 nodes and 10,000.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from statistics import median
from time import perf_counter

from benchmarks.report import Row, arguments, show
from policy.model.cluster import Snapshot
from policy.model.decision import Decision
from policy.model.resources import Resources
from policy.scheduler import decide
from policy.settings import Policy, PolicySettings
from policy.simulator.application import Application
from policy.simulator.engine import Engine
from policy.simulator.generator import Mix, generate
from policy.simulator.knowledge import Estimates, Knowledge
from policy.simulator.load import at_load
from policy.simulator.machines import Machines
from policy.simulator.metrics import percentile
from reconciler.heap import Heap

SIZES = ((100, 1000, 5), (100, 10_000, 20), (1000, 10_000, 100))
SHAPES = ((1, 4), (2, 8), (4, 16), (8, 32))
"""(CPUs, GiB) that a replica reserves."""

PLAYS = 3
MOST_REPLICAS = 32
NODE = Resources(cpu_millis=32_000, memory_bytes=128 * 1024**3)
RUNNING_PER_NODE = 4
"""About how many start at once on an empty node; so many more than are to wait are queued."""


class EnoughSeen(Exception):
    """So many decisions were asked for."""


@dataclass
class Stopwatch:
    """Decides, and notes how long it took; the first decisions fill the cluster and don't count."""

    rounds: int
    warm_up: int = 5
    taken_ms: list[float] = field(default_factory=list)
    explained_ms: list[float] = field(default_factory=list)
    waiting: int = 0
    running: int = 0
    heap: Heap = field(default_factory=Heap)

    def __call__(self, snapshot: Snapshot, settings: PolicySettings) -> Decision:
        """Decide, measured."""
        # As live: what is kept beside an execution's fields is kept from pass to pass.
        start = perf_counter()
        decision = decide(snapshot, settings)
        decided = perf_counter()
        self.waiting = len(decision.waits)
        end = perf_counter()
        self.warm_up -= 1
        self.heap.keep()  # as each pass does that has stored something
        if self.warm_up < 0:
            self.taken_ms.append((decided - start) * 1000)
            self.explained_ms.append((end - start) * 1000)
            self.running = sum(e.is_admitted for e in snapshot.executions)
        if len(self.taken_ms) >= self.rounds:
            raise EnoughSeen
        return decision


def queue(machines: Machines, waiting: int, rounds: int) -> list[Application]:
    """Return a queue that is there from the start, and a stream that goes on."""
    at_once = waiting + RUNNING_PER_NODE * len(machines.shapes)
    chance = random.Random(1)
    made = generate(at_once + 10 * rounds, chance, Mix())
    shaped = [reshaped(application, chance) for application in made]
    first = [replace(a, execution=replace(a.execution, queued_ms=0)) for a in shaped[:at_once]]
    return first + at_load(shaped[at_once:], machines.capacity, 1000)


def reshaped(application: Application, chance: random.Random) -> Application:
    """Return the application with what people reserve."""
    cpus, gib = SHAPES[chance.randrange(len(SHAPES))]
    (worker,) = application.execution.components
    component = replace(
        worker,
        core=min(worker.core, MOST_REPLICAS),
        maximum=min(worker.maximum, MOST_REPLICAS),
        demand=Resources(cpu_millis=cpus * 1000, memory_bytes=gib * 1024**3),
    )
    return replace(application, execution=replace(application.execution, components=(component,)))


def watch(nodes: int, waiting: int, rounds: int, settings: PolicySettings) -> Stopwatch:
    """Return how long decisions took on a cluster and a queue of this size."""
    machines = Machines.equal(nodes, NODE)
    stopwatch = Stopwatch(rounds)
    engine = Engine(settings, machines.nodes(), decider=stopwatch)
    try:
        engine.run(queue(machines, waiting, rounds), knowledge=Knowledge(Estimates.USER))
    except EnoughSeen:
        return stopwatch
    raise RuntimeError(f"the workload ended after {len(stopwatch.taken_ms)} decisions")


def measure(nodes: int, waiting: int, budget_ms: float, rounds: int, policy: Policy) -> Row:
    """Return the row of a size."""
    played = [watch(nodes, waiting, rounds, PolicySettings(policy=policy)) for _ in range(PLAYS)]
    what = f"{nodes} nodes, {played[0].waiting} waiting, {played[0].running} running"
    taken = _least([play.taken_ms for play in played])
    explained = _least([play.explained_ms for play in played])
    return Row(
        name=f"decide {policy}: {what}, p99",
        rounds_ms=(_p99(taken),),
        budget_ms=budget_ms,
        note=f"median {median(taken):.1f} ms of {len(taken)}, most {max(taken):.1f};"
        f" with all reasons p99 {_p99(explained):.1f}",
    )


def _least(plays: Sequence[Sequence[float]]) -> list[float]:
    """Return the least time of each decision."""
    return [min(times) for times in zip(*plays, strict=True)]


def _p99(values: Sequence[float]) -> float:
    return percentile(sorted(values), 990)


def main() -> None:
    parser = arguments(__doc__, rounds=200)
    parser.add_argument("--policy", type=Policy, default=Policy.FAIR)
    parser.add_argument("--nodes", type=int, help="Only the sizes with so many nodes.")
    parser.add_argument("--waiting", type=int, help="Only the sizes with so many waiting.")
    given = parser.parse_args()
    rows = [
        measure(nodes, waiting, budget_ms, given.rounds, given.policy)
        for nodes, waiting, budget_ms in SIZES
        if given.nodes in (None, nodes) and given.waiting in (None, waiting)
    ]
    show(rows, output=given.output)


if __name__ == "__main__":
    main()
