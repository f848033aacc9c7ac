"""How long it takes to say when everybody starts, and why one execution waits.

The cluster and the queue are those of ``benchmarks.decide``: full, with people's shapes, all
runtimes known as roughly as authors know them. Budget: 0.5 s for 1,000 waiting on 100 nodes.
"""

from __future__ import annotations

import cProfile
import pstats
from collections.abc import Callable
from dataclasses import replace
from time import perf_counter, process_time

from benchmarks.decide import NODE, EnoughSeen, queue
from benchmarks.report import Row, arguments, show
from policy.explain import explain
from policy.forecast import forecast
from policy.model.cluster import Snapshot
from policy.model.decision import Decision
from policy.scheduler import decide
from policy.settings import Policy, PolicySettings
from policy.simulator.engine import Engine
from policy.simulator.knowledge import Estimates, Knowledge
from policy.simulator.machines import Machines

SIZES = ((10, 100, None), (100, 1000, 500))
WARM_UP = 30


def full_cluster(nodes: int, waiting: int, settings: PolicySettings) -> Snapshot:
    """Return the snapshot after some decisions, cut to as many as are to wait."""
    machines = Machines.equal(nodes, NODE)
    seen: list[Snapshot] = []

    def watch(snapshot: Snapshot, settings: PolicySettings) -> Decision:
        seen.append(snapshot)
        if len(seen) > WARM_UP:
            raise EnoughSeen
        return decide(snapshot, settings)

    engine = Engine(settings, machines.nodes(), decider=watch)
    try:
        engine.run(queue(machines, waiting, WARM_UP), knowledge=Knowledge(Estimates.USER))
    except EnoughSeen:
        last = seen[-1]
        running = [e for e in last.executions if e.is_admitted]
        left = [e for e in last.executions if not e.is_admitted][:waiting]
        return replace(last, executions=(*left, *running))
    raise RuntimeError("the workload ended before the cluster was full")


def measure(
    nodes: int, waiting: int, budget_ms: int | None, rounds: int, policy: Policy, *, profile: bool
) -> list[Row]:
    """Return the rows of a size."""
    settings = PolicySettings(policy=policy)
    snapshot = full_cluster(nodes, waiting, settings)
    waits = decide(snapshot, settings).waits
    name = f"{policy}: {nodes} nodes, {waiting} waiting"
    middle = waits[len(waits) // 2].uid
    return [
        _row(
            f"forecast {name}",
            lambda: forecast(snapshot, settings),
            budget_ms,
            rounds,
            profile=profile,
        ),
        _row(
            f"explain {name}",
            lambda: explain(snapshot, settings, middle),
            None,
            rounds,
            profile=profile,
        ),
    ]


def _row(
    name: str, work: Callable[[], object], budget_ms: int | None, rounds: int, *, profile: bool
) -> Row:
    taken, worked = [], []
    for _ in range(rounds):
        start, cpu_start = perf_counter(), process_time()
        work()
        taken.append((perf_counter() - start) * 1000)
        worked.append((process_time() - cpu_start) * 1000)
    if profile:
        profiler = cProfile.Profile()
        profiler.runcall(work)
        pstats.Stats(profiler).sort_stats("cumulative").print_stats(40)
    return Row(
        name=name,
        rounds_ms=tuple(taken),
        budget_ms=budget_ms,
        note=f"{sorted(worked)[len(worked) // 2]:.0f} ms of processor time",
    )


def main() -> None:
    parser = arguments(__doc__, rounds=5)
    parser.add_argument("--policy", type=Policy, default=Policy.FAIR)
    parser.add_argument("--nodes", type=int, help="Only the size with so many nodes.")
    parser.add_argument("--profile", action="store_true", help="Print where the time goes.")
    given = parser.parse_args()
    rows = [
        row
        for nodes, waiting, budget_ms in SIZES
        if given.nodes in (None, nodes)
        for row in measure(
            nodes, waiting, budget_ms, given.rounds, given.policy, profile=given.profile
        )
    ]
    show(rows, output=given.output)


if __name__ == "__main__":
    main()
