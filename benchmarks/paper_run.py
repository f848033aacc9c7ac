"""The paper's simulation: 80,000 applications on 100 nodes, pooled. Budget: 10 minutes a policy.

With the mix, load and capacity of the evaluation (``policy/simulator/generator.py``). The note
tells the time of a decision, and what share of it all was spent outside of deciding.
"""

from __future__ import annotations

import random
from time import perf_counter, process_time

from benchmarks.report import Row, arguments, show
from policy.model.cluster import Snapshot
from policy.model.decision import Decision
from policy.model.resources import Resources
from policy.scheduler import decide
from policy.settings import Policy, PolicySettings
from policy.simulator.engine import Engine
from policy.simulator.generator import Mix, generate
from policy.simulator.knowledge import Estimates, Knowledge
from policy.simulator.load import at_load
from policy.simulator.machines import Machines

BUDGET_MS = 600_000
APPLICATIONS = 80_000
MACHINES = Machines.equal(
    100, Resources(cpu_millis=32_000, memory_bytes=128 * 1024**3), is_pooled=True
)


class Stopwatch:
    """Decides, and adds up the time that it takes."""

    taken_s = 0.0

    def __call__(self, snapshot: Snapshot, settings: PolicySettings) -> Decision:
        """Decide, measured."""
        start = perf_counter()
        decision = decide(snapshot, settings)
        self.taken_s += perf_counter() - start
        return decision


def measure(policy: Policy, count: int, load_permille: int) -> Row:
    """Return the row of one policy."""
    made = generate(count, random.Random(1), Mix())
    fitting = [a for a in made if MACHINES.could_hold(a.execution)]
    applications = at_load(fitting, MACHINES.capacity, load_permille)
    stopwatch = Stopwatch()
    engine = Engine(PolicySettings(policy=policy), MACHINES.nodes(), decider=stopwatch)
    start, cpu_start = perf_counter(), process_time()
    run = engine.run(applications, knowledge=Knowledge(Estimates.USER))
    taken_s = perf_counter() - start
    return Row(
        name=f"{policy}: {len(applications)} applications",
        rounds_ms=(taken_s * 1000,),
        budget_ms=BUDGET_MS if count == APPLICATIONS else None,
        note=f"{process_time() - cpu_start:.0f} s of processor time; {run.decisions} decisions "
        f"of {stopwatch.taken_s / run.decisions * 1e6:.0f} us, "
        f"{100 * (1 - stopwatch.taken_s / taken_s):.0f} % beside deciding",
    )


def main() -> None:
    parser = arguments(__doc__, rounds=1)
    parser.add_argument("--applications", type=int, default=APPLICATIONS)
    parser.add_argument("--load", type=float, default=0.9)
    parser.add_argument(
        "--policy", type=Policy, nargs="+", default=[Policy.FIFO_FLEXIBLE, Policy.FAIR]
    )
    given = parser.parse_args()
    permille = round(given.load * 1000)
    rows = [measure(policy, given.applications, permille) for policy in given.policy]
    show(rows, output=given.output)


if __name__ == "__main__":
    main()
