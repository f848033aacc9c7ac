"""Executions completed per second by the whole loop, with a long queue: the original's workload.

Ten hosts of 32 cores and 128 GiB, components of one core and 1 GiB that end as soon as they run,
1,000 of them queued throughout. Real Git and database (``--database URL`` for PostgreSQL), the
simulated cluster. The original's scheduler did 2.7 a second of these (its authors' measurement at
1,000 queued); the budget is a hundred times as many.
"""

from __future__ import annotations

import cProfile
import pstats
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from time import perf_counter, process_time

from benchmarks.noop_pass import installation
from benchmarks.report import Row, arguments, show
from reconciler.cluster.fake import Outcome, fake_node
from reconciler.heap import Heap
from reconciler.manifest.limits import DEFAULT_LIMITS

ORIGINAL_PER_S = 2.7
TIMES = 100
QUEUED = 1000
PER_NAMESPACE = 500  # as many as a namespace may have
HOSTS, CORES, GIB = 10, 32, 1024**3
_HEAD = "apiVersion: zoe/v1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec:"
_MAIN = "{image: ends, resources: {reservations: {cpus: 1, memory: 1GiB}}}"


def manifests(count: int) -> Iterator[tuple[str, str]]:
    """Yield path and text of a platform, namespaces, and batch executions."""
    yield "platform.yaml", _HEAD.format(kind="Platform", name="platform") + " {}\n"
    for number in range(-(-count // PER_NAMESPACE)):
        text = _HEAD.format(kind="Namespace", name=f"lab{number}") + " {}\n"
        yield f"namespaces/lab{number}.yaml", text
    for number in range(count):
        text = _HEAD.format(kind="Execution", name=f"e{number}")
        yield (
            f"executions/lab{number // PER_NAMESPACE}/e{number}.yaml",
            f"{text}\n  type: batch\n  services: {{main: {_MAIN}}}\n",
        )


def measure(count: int, *, url: str = "", profile: bool = False) -> Row:
    """Return the row: how long a thousand completions take while as many are queued."""
    hosts = [
        fake_node(f"n{number}", cpu_millis=CORES * 1000, memory_bytes=128 * GIB)
        for number in range(HOSTS)
    ]
    limits = replace(DEFAULT_LIMITS, manifests_per_namespace=count)
    profiler = cProfile.Profile()
    with (
        tempfile.TemporaryDirectory(prefix="zoe-bench-") as name,
        installation(Path(name), manifests(count), url=url, nodes=hosts, limits=limits) as (
            loop,
            cluster,
            _,
        ),
    ):
        cluster.script("ends", Outcome.exits(0))
        heap = Heap()
        loop.reconcile()  # all are read and queued, and the first ones start
        heap.keep()
        passes, completed, begun, worked = 0, 0, perf_counter(), process_time()
        if profile:
            profiler.enable()
        while completed + QUEUED + HOSTS * CORES < count:
            cluster.advance(500)
            before, phases = completed, [status.phase for status in loop.reconcile().statuses]
            heap.keep()  # as whoever leads does
            completed, passes = sum(phase == "Succeeded" for phase in phases), passes + 1
            if completed == before and passes > 1:
                raise RuntimeError(f"nothing more completes: {Counter(phases)}")
        loop.publish(wait=True)
        seconds, worked = perf_counter() - begun, process_time() - worked
        profiler.disable()
    if profile:
        pstats.Stats(profiler).sort_stats("cumulative").print_stats(45)
    rate = completed / seconds
    return Row(
        name=f"1,000 of {count} executions completed, {QUEUED} queued",
        rounds_ms=(1_000_000 / rate,),
        budget_ms=1_000_000 / (ORIGINAL_PER_S * TIMES),
        note=f"{rate:.0f} a second, {rate / ORIGINAL_PER_S:.0f} times the original's; "
        f"{passes} passes; {worked * 1000 / completed:.2f} ms of processor time for each",
    )


def main() -> None:
    parser = arguments(__doc__, rounds=1)
    parser.add_argument("--executions", type=int, default=5_000)
    parser.add_argument("--database", metavar="URL", default="", help="Default: SQLite.")
    parser.add_argument("--profile", action="store_true", help="Print where the time goes.")
    given = parser.parse_args()
    row = measure(given.executions, url=given.database, profile=given.profile)
    show([row], output=given.output)


if __name__ == "__main__":
    main()
