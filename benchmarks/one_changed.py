"""One manifest is edited among many: from the end of the fetch to the decision, in a real loop.

Real Git and SQLite, the simulated cluster. Each round edits another execution that runs; the
decision is made before anything is written. Budget: 150 ms among 10,000.
"""

from __future__ import annotations

import cProfile
import pstats
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any
from unittest.mock import patch

import pygit2

from benchmarks.noop_pass import installation, manifests, settle
from benchmarks.report import Row, arguments, show
from policy.model.decision import Decision
from policy.scheduler import decide
from reconciler.converge import assess as assessing
from reconciler.loop import Loop

BUDGETS_MS = {10_000: 150}


class Watch:
    """When a fetch ended, and when the decision after it was made."""

    def __init__(self, loop: Loop, profiler: cProfile.Profile | None) -> None:
        self.fetched = self.decided = 0.0
        self._source, self._profiler = loop.reader.source, profiler
        self._fetch = loop.reader.source.fetch

    def fetch(self) -> str:
        """Fetch as the source does, and look at the clock."""
        tip = self._fetch()
        if self._profiler is not None:
            self._profiler.enable()
        self.fetched = perf_counter()
        return tip

    def decide(self, *given: Any) -> Decision:
        """Decide as policy does, and look at the clock."""
        decision = decide(*given)
        self.decided = perf_counter()
        if self._profiler is not None:
            self._profiler.disable()
        return decision


def measure(count: int, rounds: int, *, profile: bool) -> Row:
    """Return the row of a size."""
    profiler = cProfile.Profile() if profile else None
    taken: list[float] = []
    with (
        tempfile.TemporaryDirectory(prefix="zoe-bench-") as name,
        installation(Path(name), manifests(count)) as (loop, cluster, _),
    ):
        settle(loop, cluster)
        watch = Watch(loop, profiler)
        with (
            patch.object(loop.reader.source, "fetch", watch.fetch),
            patch.object(assessing, "decide", watch.decide),
        ):
            for number in range(rounds):
                edit(Path(name) / "config.git", number * 10)
                cluster.advance(1000)
                found = loop.reconcile()
                if not found.facts:
                    raise RuntimeError("the edit wasn't noticed")
                taken.append((watch.decided - watch.fetched) * 1000)
    if profiler is not None:
        pstats.Stats(profiler).sort_stats("cumulative").print_stats(45)
    return Row(
        name=f"one changed among {count}, fetched -> decided",
        rounds_ms=tuple(taken),
        budget_ms=BUDGETS_MS.get(count),
    )


def edit(repository: Path, number: int) -> None:
    """Give an execution another lifetime, which changes nothing that runs."""
    git = pygit2.Repository(str(repository))
    tip = git.references["refs/heads/main"].peel(pygit2.Commit)
    index = pygit2.Index()
    index.read_tree(tip.tree)
    path = next(e.path for e in index if e.path.endswith(f"/e{number}.yaml"))
    text = git[index[path].id].data.decode().replace("spec:\n", "spec:\n  lifetime: 30d\n")
    entry = pygit2.IndexEntry(path, git.create_blob(text.encode()), pygit2.enums.FileMode.BLOB)
    index.add(entry)
    bot = pygit2.Signature("bench", "bench@localhost", 1_700_000_000 + number + 1, 0)
    git.create_commit("refs/heads/main", bot, bot, "edit", index.write_tree(git), [tip.id])


def main() -> None:
    parser = arguments(__doc__, rounds=9)
    parser.add_argument("--executions", type=int, default=10_000)
    parser.add_argument("--profile", action="store_true", help="Print where the time goes.")
    given = parser.parse_args()
    row = measure(given.executions, given.rounds, profile=given.profile)
    show([row], output=given.output)


if __name__ == "__main__":
    main()
