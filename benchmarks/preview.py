"""A preview of a change to some manifests of many: real Git and SQLite, the fake cluster, full.

The base was read before, as in ``zoe run``: cost follows the change. Without a budget: the same
in a process that is handed what was read, and by a reader that has read nothing, as in
``zoe plan``. Budget: 2 s for 100 changed among 10,000.
"""

from __future__ import annotations

import cProfile
import json
import pickle
import pstats
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import pygit2

from benchmarks import noop_pass
from benchmarks.noop_pass import installation
from benchmarks.report import Row, arguments, show
from reconciler import planning
from reconciler.converge import snapshots
from reconciler.converge.world import Memory
from reconciler.loop import Loop
from reconciler.manifest.catalogue import Loader
from reconciler.planning import Planned
from reconciler.review.cluster import Cluster, cluster_of
from reconciler.source.desired import Kept, Reader

BUDGETS_MS = {(10_000, 100): 2000}
PASSES = 2
"""By then what fits has started, and a tenth waits for room."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A base that is in force in a loop, and a head."""

    loop: Loop
    memory: Memory
    cluster: Cluster
    base: str
    head: str

    def plan(self, reader: Reader) -> Planned:
        """Return the preview."""
        return planning.plan(
            self.base,
            self.head,
            make_reader=lambda: reader,
            remembered=lambda _: (self.memory, self.cluster),
            host=self.loop.host,
            good={},
        )

    def cold(self) -> Reader:
        """Return a reader that has read nothing."""
        loader = Loader(deployment="zoe", source_id="platform", security_profiles=(), storages=())
        return Reader(self.loop.reader.source, loader)


def changed(git: pygit2.Repository, base: str, count: int) -> str:
    """Commit a change to ``count`` manifests: of ten, one goes, two come, and seven are edited."""
    tip = git[base].peel(pygit2.Commit)
    index = pygit2.Index()
    index.read_tree(tip.tree)
    for number, (path, text) in enumerate(_edits(git, index, count)):
        if number % 10 == 0:
            index.remove(path)
            continue
        if number % 10 < 3:
            path, text = path.replace("/e", "/new"), text.replace("{name: e", "{name: new")
        elif number % 10 < 7:
            text = text.replace("spec:\n", "spec:\n  lifetime: 30d\n")
        else:
            text = text.replace("image: busybox", "image: other")
        blob = git.create_blob(text.encode())
        index.add(pygit2.IndexEntry(path, blob, pygit2.enums.FileMode.BLOB))
    bot = tip.author
    return str(git.create_commit(None, bot, bot, "change", index.write_tree(git), [tip.id]))


def _edits(git: pygit2.Repository, index: pygit2.Index, count: int) -> Iterator[tuple[str, str]]:
    """Yield path and text of manifests that are spread over all namespaces."""
    paths = [entry.path for entry in index if entry.path.startswith("executions/")]
    for path in paths[:: max(1, len(paths) // count)][:count]:
        yield path, git[index[path].id].data.decode()


def case(loop: Loop, folder: Path, count: int) -> Case:
    """Return the case of ``count`` changes to what a settled loop has in force."""
    base = loop.reconcile().commit
    stored = loop.working_set.snapshot
    if stored is None:
        raise RuntimeError("no pass has looked at the cluster")
    return Case(
        loop=loop,
        memory=loop.working_set.memory(published_seq=loop.publisher.published_seq),
        cluster=cluster_of(snapshots.read(json.loads(stored))),
        base=base,
        head=changed(pygit2.Repository(str(folder / "mirror.git")), base, count),
    )


def measure(manifests: int, changes: int, rounds: int, *, profile: bool) -> list[Row]:
    """Return the rows of previews by a reader that knows the base, and by one that doesn't."""
    with (
        tempfile.TemporaryDirectory(prefix="zoe-bench-") as name,
        installation(Path(name), noop_pass.manifests(manifests)) as (loop, cluster, _),
    ):
        for _ in range(PASSES):
            loop.reconcile()
            cluster.advance(500)
        found = case(loop, Path(name), changes)
        # What has ended may go without a word; all else is told.
        if (lines := len(found.plan(loop.reader.apart()).preview.lines)) < changes * 9 // 10:
            raise RuntimeError(f"only {lines} of {changes} changes are told")
        profiler = cProfile.Profile()
        warm = []
        for _ in range(rounds):
            reader = loop.reader.apart()
            if profile:
                profiler.enable()
            warm.append(_taken(found, reader))
            profiler.disable()
        if profile:
            pstats.Stats(profiler).sort_stats("cumulative").print_stats(60)
        handed = _handed(found, pickle.dumps(loop.reader.kept()))
        cold = _taken(found, found.cold())
    title = f"preview of {changes} changed among {manifests}"
    return [
        Row(
            name=title,
            rounds_ms=tuple(warm),
            budget_ms=BUDGETS_MS.get((manifests, changes)),
        ),
        Row(name="  in a process that is handed the base", rounds_ms=(handed,)),
        Row(name="  by a reader that has read nothing", rounds_ms=(cold,)),
    ]


def _handed(found: Case, kept: bytes) -> float:
    """Return how long it takes with what another process has read: made once for each base."""
    start = perf_counter()
    known: Kept = pickle.loads(kept)
    found.plan(known.over(found.loop.reader.source))
    return (perf_counter() - start) * 1000


def _taken(found: Case, reader: Reader) -> float:
    start = perf_counter()
    found.plan(reader)
    return (perf_counter() - start) * 1000


def main() -> None:
    parser = arguments(__doc__, rounds=5)
    parser.add_argument("--manifests", type=int, default=10_000)
    parser.add_argument("--changed", type=int, default=100)
    parser.add_argument("--profile", action="store_true", help="Print where the time goes.")
    given = parser.parse_args()
    rows = measure(given.manifests, given.changed, given.rounds, profile=given.profile)
    show(rows, output=given.output)


if __name__ == "__main__":
    main()
