"""The status branch's commit of 1 of 10,000 executions, and what a life costs the branch.

The commit is a status file, the ledger's, a table and the head, on a branch that has the files of
all; beside it, the blob and the trees along one path through libgit2 alone. Without and with the
push into a bare repository on the same disk. ``--growth N`` lets N batches run through passes and
pushes instead (simulated cluster, real Git), and tells the bytes that each leaves behind.
"""

from __future__ import annotations

import random
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

import pygit2
from pygit2.enums import FileMode

from benchmarks.noop_pass import installation
from benchmarks.report import Row, arguments, show
from benchmarks.status_rows import row
from benchmarks.throughput import manifests
from reconciler.clock import SystemClock
from reconciler.cluster.fake import Outcome, fake_node
from reconciler.config import SourceSettings
from reconciler.converge import publication
from reconciler.git.overlay import overlay
from reconciler.git.status_branch import StatusBranch

BUDGET_MS = 20
PER_NAMESPACE = 100
_AUTHOR = pygit2.Signature("bench", "bench@localhost", 1_700_000_000, 0)


def files_of(number: int, reason: str) -> dict[str, bytes]:
    """Return what one execution has on the branch, a table and the head."""
    one = row(number, reason)
    told = publication.status_file(one.status)
    table = b"| | [e1](00/e1.yaml) | Queued | NoRoom | 1 | 2026-01-01 |\n" * PER_NAMESPACE
    return {
        publication.status_path(one.namespace, one.name): told,
        publication.ledger_path(one.uid[::-1]): told,
        publication.readme_path(one.namespace): table + reason.encode(),
        "cluster/ledger.yaml": reason.encode() * 200,
    }


def bare(git: pygit2.Repository, base: pygit2.Oid, path: str, data: bytes) -> pygit2.Oid:
    """Return the tree with one file replaced, by TreeBuilders along its path: the floor."""
    name, _, rest = path.partition("/")
    tree = git[base].peel(pygit2.Tree)
    builder = git.TreeBuilder(tree)
    if rest:
        builder.insert(name, bare(git, tree[name].id, rest, data), FileMode.TREE)
    else:
        builder.insert(name, git.create_blob(data), FileMode.BLOB)
    return builder.write()


def timed(
    rounds: int,
    work: Callable[[int], object],
    name: str,
    *,
    floor: float | None = None,
    budget_ms: float | None = None,
) -> tuple[Row, float]:
    """Return the row of some work, and its median."""
    taken, worked = [], []
    for turn in range(rounds):
        begun, cpu = perf_counter(), process_time()
        work(turn)
        taken.append((perf_counter() - begun) * 1000)
        worked.append((process_time() - cpu) * 1000)
    found = Row(
        name=name,
        rounds_ms=tuple(taken),
        budget_ms=budget_ms,
        ratio=median(taken) / floor if floor else None,
        note=f"{median(worked):.1f} ms of processor time",
    )
    return found, median(taken)


def measure(count: int, rounds: int) -> list[Row]:
    """Return the rows: the floor, our commit, and our commit with its push."""
    everything: dict[str, bytes] = {}
    for number in range(count):
        everything |= files_of(number, "Queued")
    with tempfile.TemporaryDirectory(prefix="zoe-bench-") as place:
        folder = Path(place)
        remote = pygit2.init_repository(str(folder / "remote.git"), bare=True)
        branch = StatusBranch(
            SourceSettings(id="platform", url=str(folder / "remote.git")),
            folder / "status.git",
            clock=SystemClock(),
            random=random.Random(1),
            wait=threading.Event().wait,
        )
        branch.publish(everything, message="status: all", sequence=1)
        tip = remote.branches["zoe/status"].peel(pygit2.Commit)
        git = pygit2.Repository(str(folder / "status.git"))
        path = next(iter(files_of(1, "")))

        def build(turn: int) -> None:
            files: Mapping[str, bytes] = files_of(turn, f"Built{turn}")
            tree = overlay(git, tip.tree_id, files)
            git.create_commit(None, _AUTHOR, _AUTHOR, "status: 1", tree, [tip.id])

        def alone(turn: int) -> None:
            tree = bare(git, tip.tree_id, path, b"bare %d" % turn)
            git.create_commit(None, _AUTHOR, _AUTHOR, "status: 1", tree, [tip.id])

        def pushed(turn: int) -> None:
            files = files_of(turn, f"Pushed{turn}")
            branch.publish(files, message="status: 1", sequence=2 + turn)

        floor, least = timed(rounds, alone, f"bare: one blob in a tree of {count}")
        name = f"a status commit of 1 of {count}"
        ours, _ = timed(rounds, build, name, floor=least, budget_ms=BUDGET_MS)
        whole, _ = timed(rounds, pushed, "the same, pushed into a bare repository", floor=least)
    return [floor, ours, whole]


def size_of(folder: Path) -> tuple[int, int, int]:
    """Return the bytes of a repository, its loose objects and its packs."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    packs = sum(path.suffix == ".pack" for path in files)
    loose = sum(len(path.parent.name) == len("ab") for path in files)
    return sum(path.stat().st_size for path in files), loose, packs


def growth(count: int) -> list[str]:
    """Return what that many batches leave behind, from the commit to their end."""
    hosts = [fake_node(f"n{n}", cpu_millis=32_000, memory_bytes=128 * 1024**3) for n in range(10)]
    with (
        tempfile.TemporaryDirectory(prefix="zoe-bench-") as name,
        installation(Path(name), manifests(count), nodes=hosts) as (loop, cluster, _),
    ):
        cluster.script("ends", Outcome.exits(0))
        remote = pygit2.Repository(f"{name}/config.git")
        before, _, _ = size_of(Path(name, "config.git"))
        while loop.reconcile().is_moving:
            cluster.advance(5_000)
        loop.publish(wait=True)
        commits = sum(1 for _ in remote.walk(remote.branches["zoe/status"].target))
        told = [f"{count} batches, {commits} status commits"]
        for whose, folder, least in (("remote", "config.git", before), ("clone", "status.git", 0)):
            size, loose, packs = size_of(Path(name, folder))
            each = (size - least) / count
            told.append(f"{whose}: {each:.0f} bytes a batch, {loose} loose objects, {packs} packs")
    return told


def main() -> None:
    parser = arguments(__doc__, rounds=20)
    parser.add_argument("--executions", type=int, default=10_000)
    parser.add_argument("--growth", type=int, metavar="N", help="Let N batches run.")
    given = parser.parse_args()
    if given.growth:
        print("\n".join(growth(given.growth)))
    else:
        show(measure(given.executions, given.rounds), output=given.output)


if __name__ == "__main__":
    main()
