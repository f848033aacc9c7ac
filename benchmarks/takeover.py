"""To lead an installation that is there, after a crash or a failover: how long, how much memory.

Real Git and SQLite; the simulated cluster is another process, so that the memory is that of who
leads alone. Budget at 10,000 executions, of which 8,000 run: 300 MB.
"""

from __future__ import annotations

import multiprocessing
import tempfile
from datetime import datetime
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, cast

from benchmarks.noop_pass import installation, leading, manifests, settle
from benchmarks.report import Row, arguments, show
from reconciler.cluster.fake import VirtualClock
from reconciler.heap import Heap
from reconciler.ports import Cluster

BUDGET_MB = 300
PASSES = 5


class Apart:
    """A cluster in another process. What is as it was is the same object, as the engine's is."""

    def __init__(self, end: Connection) -> None:
        self._end = end
        self._known: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        def call(*given: object) -> Any:
            self._end.send((name, given))
            answer = self._end.recv()
            if self._known.get(name) != answer:
                self._known[name] = answer
            return self._known[name]

        return call


def lead(end: Connection, folder: Path, now: datetime) -> None:
    """Take over, make passes, and tell what that took: seconds to the first, resident KiB."""
    start = perf_counter()
    took_s = 0.0
    with leading(folder, cast("Cluster", Apart(end)), VirtualClock(now)) as (loop, _):
        heap = Heap()
        for _ in range(PASSES):
            loop.reconcile()
            took_s = took_s or perf_counter() - start
            loop.publish(wait=True)
        heap.sweep()
        status = Path("/proc/self/status").read_text(encoding="utf-8")
    told = dict(line.split(":\t", 1) for line in status.splitlines())
    end.send(("done", (took_s, *(int(told[name].split()[0]) for name in ("VmRSS", "VmHWM")))))


def follow(cluster: Cluster, folder: Path, now: datetime) -> tuple[float, int, int]:
    """Lend the cluster to a process that takes over; return what it tells."""
    spawned = multiprocessing.get_context("spawn")
    ours, theirs = spawned.Pipe()
    process = spawned.Process(target=lead, args=(theirs, folder, now))
    process.start()
    while (asked := ours.recv())[0] != "done":
        ours.send(getattr(cluster, asked[0])(*asked[1]))
    process.join()
    told: tuple[float, int, int] = asked[1]
    return told


def measure(count: int, rounds: int) -> Row:
    """Return the row of some takeovers, one after another."""
    with (
        tempfile.TemporaryDirectory(prefix="zoe-bench-") as name,
        installation(Path(name), manifests(count)) as (loop, cluster, store),
    ):
        settle(loop, cluster)
        store.release_lease(loop.lease)
        told = [follow(cluster, Path(name), loop.clock.now()) for _ in range(rounds)]
    took_s, resident, most = zip(*told, strict=True)
    budget = f" (budget {BUDGET_MB})" if count == 10_000 else ""
    return Row(
        name=f"taking over {count} executions, to the end of the first pass",
        rounds_ms=tuple(seconds * 1000 for seconds in took_s),
        note=f"then {median(resident) * 1.024e-3:.0f} MB{budget}, at most "
        f"{max(most) * 1.024e-3:.0f}; with what is imported, without the cluster",
    )


def main() -> None:
    parser = arguments(__doc__, rounds=3)
    parser.add_argument("--executions", type=int, default=10_000)
    given = parser.parse_args()
    show([measure(given.executions, given.rounds)], output=given.output)


if __name__ == "__main__":
    main()
