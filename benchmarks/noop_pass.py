"""A pass over many executions of which none changed: real Git and SQLite, the fake cluster.

Most run, some have ended and some wait for room, as in an installation that is used. Budget:
150 ms for 1,000, 1 s for 10,000, and not a single write.
"""

from __future__ import annotations

import cProfile
import pstats
import random
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

import pygit2

from benchmarks.report import Row, arguments, most_memory, show
from reconciler import hosting, wire
from reconciler.cluster.fake import FakeCluster, Outcome, VirtualClock, fake_node
from reconciler.config import Settings, SourceSettings
from reconciler.converge.state import ObservedNode
from reconciler.git.source import GitSource
from reconciler.git.status_branch import StatusBranch
from reconciler.heap import Heap
from reconciler.loop import Loop
from reconciler.manifest.limits import DEFAULT_LIMITS, Limits
from reconciler.ports import Clock, Cluster
from reconciler.publishing.publisher import Publisher
from reconciler.store.repository import SqlStore
from reconciler.working_set import WorkingSet

BUDGETS_MS = {1000: 150, 10_000: 1000}
PER_NAMESPACE = 100
NODES = 20
DEPLOYMENT = "zoe"
_HEAD = "apiVersion: zoe/v1\nkind: {kind}\nmetadata: {{name: {name}}}\n"


def manifests(count: int) -> Iterator[tuple[str, str]]:
    """Yield path and text: of ten, one is a batch that ends, and one asks for what nobody has."""
    yield "platform.yaml", _HEAD.format(kind="Platform", name="platform") + "spec: {}\n"
    namespaces = max(1, count // PER_NAMESPACE)
    for number in range(namespaces):
        text = _HEAD.format(kind="Namespace", name=f"ns{number}") + "spec: {}\n"
        yield f"namespaces/ns{number}.yaml", text
    for number in range(count):
        kind = "batch" if number % 10 == 1 else "interactive"
        image = "ends" if kind == "batch" else "busybox"
        cpus = "64" if number % 10 == 2 else "0.01"
        text = _HEAD.format(kind="Execution", name=f"e{number}") + (
            f"spec:\n  type: {kind}\n  services:\n    main:\n      image: {image}\n"
            f"      resources: {{reservations: {{cpus: {cpus}, memory: 16MiB}}}}\n"
        )
        yield f"executions/ns{number % namespaces}/e{number}.yaml", text


def commit(path: Path, files: Iterable[tuple[str, str]]) -> None:
    """Make a bare repository that holds files."""
    git = pygit2.init_repository(str(path), bare=True, initial_head="main")
    index = pygit2.Index()
    for name, text in files:
        entry = pygit2.IndexEntry(name, git.create_blob(text.encode()), pygit2.enums.FileMode.BLOB)
        index.add(entry)
    bot = pygit2.Signature("bench", "bench@localhost", 1_700_000_000, 0)
    git.create_commit("refs/heads/main", bot, bot, "manifests", index.write_tree(git), [])


@contextmanager
def installation(
    folder: Path,
    files: Iterable[tuple[str, str]],
    *,
    url: str = "",
    nodes: Sequence[ObservedNode] = (),
    limits: Limits = DEFAULT_LIMITS,
) -> Iterator[tuple[Loop, FakeCluster, SqlStore]]:
    """Lend a loop over the executions in some files, on SQLite or on the database of a URL."""
    commit(folder / "config.git", files)
    clock = VirtualClock()
    nodes = nodes or [fake_node(f"n{number}") for number in range(NODES)]
    cluster = FakeCluster(nodes, clock=clock, deployment=DEPLOYMENT)
    cluster.script("ends", Outcome.exits(0))
    with leading(folder, cluster, clock, url=url, limits=limits) as (loop, store):
        yield loop, cluster, store


@contextmanager
def leading(
    folder: Path,
    cluster: Cluster,
    clock: Clock,
    *,
    url: str = "",
    limits: Limits = DEFAULT_LIMITS,
) -> Iterator[tuple[Loop, SqlStore]]:
    """Lend a loop over what a folder holds and what its database remembers; then let others."""
    platform = SourceSettings(id="platform", url=str(folder / "config.git"))
    settings = Settings(
        sources=(platform,), state_dir=folder / "state", deployment=DEPLOYMENT, limits=limits
    )
    chance = random.Random(1)
    url = url or f"sqlite:///{folder}/zoe.db"
    sink = StatusBranch(
        platform, folder / "status.git", clock=clock, random=chance, wait=threading.Event().wait
    )
    with SqlStore(url, deployment=settings.deployment, clock=clock, random=chance) as store:
        store.migrate()
        lease = store.acquire_lease("bench", ttl_s=36_000)
        assert lease is not None
        working_set = WorkingSet(store.load())
        keeper = wire.keeper(settings)
        publisher = Publisher(sink, working_set, ledger_key=b"k" * 32, sealer=keeper)
        yield (
            Loop(
                reader=wire.reader(settings, GitSource(platform, folder / "mirror.git")),
                cluster=cluster,
                store=store,
                working_set=working_set,
                publisher=publisher,
                host=hosting.host(settings),
                clock=clock,
                lease=lease,
                keeper=keeper,
                concurrency=1,
            ),
            store,
        )
        publisher.close()
        store.release_lease(lease)


def settle(loop: Loop, cluster: FakeCluster) -> None:
    """Make passes until there is nothing left to do, and publish; then let what ended go."""
    for _ in range(2):
        while loop.reconcile().is_moving:
            cluster.advance(500)
        loop.publish(wait=True)
        cluster.advance(61_000)
    while loop.reconcile().is_moving:
        cluster.advance(500)
    loop.publish(wait=True)
    Heap().keep()  # as whoever leads does


def measure(count: int, rounds: int, *, profile: bool) -> Row:
    """Return the row for passes over ``count`` settled executions."""
    with (
        tempfile.TemporaryDirectory(prefix="zoe-bench-") as name,
        installation(Path(name), manifests(count)) as (loop, cluster, store),
    ):
        settle(loop, cluster)
        if (found := len(loop.reconcile().statuses)) != count:
            raise RuntimeError(f"{found} executions are there, not {count}")
        before = (len(cluster.effects), store.state_version())
        profiler = cProfile.Profile()
        taken, worked = [], []
        for _ in range(rounds):
            if profile:
                profiler.enable()
            start, cpu_start = perf_counter(), process_time()
            loop.reconcile()
            taken.append((perf_counter() - start) * 1000)
            worked.append((process_time() - cpu_start) * 1000)
            profiler.disable()
            cluster.advance(1000)
        writes = (len(cluster.effects) - before[0], store.state_version() - before[1])
        if profile:
            pstats.Stats(profiler).sort_stats("cumulative").print_stats(45)
    return Row(
        name=f"no-op pass over {count} executions",
        rounds_ms=tuple(taken),
        budget_ms=BUDGETS_MS.get(count),
        note=f"{median(worked):.1f} ms of processor time, "
        f"{writes[0]} cluster writes, {writes[1]} database writes; {most_memory()}, "
        "simulated cluster included",
    )


def main() -> None:
    parser = arguments(__doc__, rounds=15)
    parser.add_argument("--executions", type=int, default=1000)
    parser.add_argument("--profile", action="store_true", help="Print where the time goes.")
    given = parser.parse_args()
    row = measure(given.executions, given.rounds, profile=given.profile)
    show([row], output=given.output)


if __name__ == "__main__":
    main()
