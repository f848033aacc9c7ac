"""A database is lost under 200 running and 300 finished executions: ``zoe rebuild``.

Real Git and SQLite, the fake cluster. Budget: 60 s, nothing run again, nothing stopped.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

from benchmarks.noop_pass import installation, settle
from benchmarks.report import Row, arguments, show
from reconciler import wire
from reconciler.cluster.fake import FakeCluster
from reconciler.loop import Loop
from reconciler.rebuilding import Parts, rebuild
from reconciler.store.repository import SqlStore

BUDGET_MS = 60_000
_HEAD = "apiVersion: zoe/v1\nkind: {kind}\nmetadata: {{name: {name}}}\n"


def manifests(running: int, finished: int) -> Iterator[tuple[str, str]]:
    """Yield path and text of batches that have ended, and of notebooks and batches that run."""
    yield "platform.yaml", _HEAD.format(kind="Platform", name="platform") + "spec: {}\n"
    yield "namespaces/aml.yaml", _HEAD.format(kind="Namespace", name="aml") + "spec: {}\n"
    for number in range(running + finished):
        image = "busybox" if number < running else "ends"
        kind = "interactive" if number < running // 2 else "batch"
        text = _HEAD.format(kind="Execution", name=f"e{number}") + (
            f"spec:\n  type: {kind}\n  services:\n    main:\n      image: {image}\n"
            "      resources: {reservations: {cpus: 0.01, memory: 16MiB}}\n"
        )
        yield f"executions/aml/e{number}.yaml", text


def measure(running: int, finished: int) -> Row:
    """Return the row of one rebuild, checked against what was before."""
    with (
        tempfile.TemporaryDirectory(prefix="zoe-bench-") as name,
        installation(Path(name), manifests(running, finished)) as (loop, cluster, store),
    ):
        settle(loop, cluster)
        before, writes = _phases(store), len(cluster.effects)
        taken_ms, found = _rebuilt(loop, cluster, Path(name))
        same = sum(before[uid] == phase for uid, phase in found.items())
    return Row(
        name=f"rebuild under {running} running and {finished} finished executions",
        rounds_ms=(taken_ms,),
        budget_ms=BUDGET_MS,
        note=f"{same} of {len(before)} statuses as before, "
        f"{len(cluster.effects) - writes} cluster writes",
    )


def _rebuilt(loop: Loop, cluster: FakeCluster, folder: Path) -> tuple[float, dict[str, str]]:
    """Rebuild into an empty database; return how long that took, and who is in which phase."""
    url, clock = f"sqlite:///{folder}/new.db", loop.clock
    with SqlStore(url, deployment=loop.host.deployment, clock=clock, random=random.Random(1)) as to:
        to.migrate()
        lease = to.acquire_lease("bench", ttl_s=36_000)
        if lease is None:
            raise RuntimeError("somebody else leads")
        parts = Parts(
            store=to,
            reader=loop.reader,
            tenants=loop.tenants,
            cluster=cluster,
            sink=loop.publisher.sink,
            clock=clock,
            key=b"k" * wire.LEDGER_KEY_BYTES,
            by="bench",
        )
        start = perf_counter()
        rebuild(parts, lease)
        return (perf_counter() - start) * 1000, _phases(to)


def _phases(store: SqlStore) -> dict[str, str]:
    return {row.uid: row.phase for row in store.load().executions}


def main() -> None:
    parser = arguments(__doc__, rounds=1)
    parser.add_argument("--running", type=int, default=200)
    parser.add_argument("--finished", type=int, default=300)
    given = parser.parse_args()
    show([measure(given.running, given.finished)], output=given.output)


if __name__ == "__main__":
    main()
