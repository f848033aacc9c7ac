"""The whole loop over 20,000 executions that run on 1,000 nodes: nothing new, then one edit.

Real Git and SQLite, the simulated cluster; of 25,000 manifests a tenth has ended and a tenth asks
for what no node has, so the limits of ``zoe.toml`` are raised. Figures are processor time of the
pass, as the machine may do something else as well; the most memory is of the whole process, with
the simulated cluster in it. Getting there (reading, deciding, starting, publishing) is a row, too.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from time import process_time

from benchmarks.noop_pass import installation, manifests, settle
from benchmarks.one_changed import edit
from benchmarks.report import Row, arguments, most_memory, show
from reconciler.cluster.fake import fake_node
from reconciler.loop import Loop
from reconciler.manifest.limits import DEFAULT_LIMITS

EXECUTIONS, NODES = 25_000, 1000
LIMITS = replace(DEFAULT_LIMITS, files=100_000, manifests=100_000, content_mib=128)


def measure(count: int, nodes: int, rounds: int) -> list[Row]:
    """Return the rows: until everything runs, with nothing new, with one edit."""
    with (
        tempfile.TemporaryDirectory(prefix="zoe-bench-") as name,
        installation(
            Path(name),
            manifests(count),
            nodes=[fake_node(f"n{number}") for number in range(nodes)],
            limits=LIMITS,
        ) as (loop, cluster, _),
    ):
        start = process_time()
        settle(loop, cluster)
        settled_ms = (process_time() - start) * 1000
        running = sum(status.phase == "Running" for status in loop.reconcile().statuses)
        unchanged, changed = [], []
        for number in range(rounds):
            cluster.advance(1000)
            unchanged.append(_passed_ms(loop))
            edit(Path(name) / "config.git", number * 10)
            cluster.advance(1000)
            changed.append(_passed_ms(loop, is_changed=True))
            loop.publish(wait=True)
    where = f"{running} running on {nodes} nodes"
    return [
        Row(name=f"until {where}", rounds_ms=(settled_ms,), note=most_memory()),
        Row(name=f"a pass without change, {where}", rounds_ms=tuple(unchanged)),
        Row(name=f"a pass with one edit, {where}", rounds_ms=tuple(changed)),
    ]


def _passed_ms(loop: Loop, *, is_changed: bool = False) -> float:
    start = process_time()
    facts = loop.reconcile().facts
    taken_ms = (process_time() - start) * 1000
    if bool(facts) is not is_changed:
        raise RuntimeError(f"{facts} facts")
    return taken_ms


def main() -> None:
    parser = arguments(__doc__, rounds=7)
    parser.add_argument("--executions", type=int, default=EXECUTIONS)
    parser.add_argument("--nodes", type=int, default=NODES)
    given = parser.parse_args()
    show(measure(given.executions, given.nodes, given.rounds), output=given.output)


if __name__ == "__main__":
    main()
