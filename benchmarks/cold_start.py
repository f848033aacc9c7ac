"""The first look at many manifests: what a new process does before it can decide anything.

Each round reads the repository in a process of its own, which also tells how much memory it took.
Of two repositories: one of small manifests that say their services themselves, and one of the
examples' notebooks and Spark clusters, each made of a ZApp. Budgets for 10,000: 15 s, 4 s where
nothing is new (docs/adr/0008: nothing is kept for that), and 300 MB of memory at the end.
"""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from time import perf_counter

from benchmarks.noop_pass import PER_NAMESPACE, commit, manifests
from benchmarks.report import Row, arguments, show

BUDGET_MS = {10_000: 4_000}
_OF_ZAPPS_MS = {10_000: 15_000}
BUDGET_MB = 300
EXAMPLES = Path(__file__).parents[1] / "examples"
_HEAD = "apiVersion: zoe/v1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {{}}\n"
_LIKE = ("spark-lab-3.yaml", "notebook.yaml")


def of_zapps(count: int) -> Iterator[tuple[str, str]]:
    """Yield path and text of executions like the examples', and of all ZApps."""
    yield "platform.yaml", _HEAD.format(kind="Platform", name="platform")
    for zapp in (EXAMPLES / "zapps").rglob("zapp.yaml"):
        yield str(zapp.relative_to(EXAMPLES)), zapp.read_text(encoding="utf-8")
    namespaces = [f"ns{number}" for number in range(max(1, count // PER_NAMESPACE))]
    for name in namespaces:
        yield f"namespaces/{name}.yaml", _HEAD.format(kind="Namespace", name=name)
    like = [EXAMPLES / "repository/executions/aml" / name for name in _LIKE]
    texts = [path.read_text(encoding="utf-8") for path in like]
    for number in range(count):
        namespace = namespaces[number % len(namespaces)]
        text = texts[number % len(texts)].replace("namespace: aml", f"namespace: {namespace}")
        text = re.sub(r"(?m)^  name: .*", f"  name: e{number}", text, count=1)
        yield f"executions/{namespace}/e{number}.yaml", text


def look(repository: str) -> dict[str, float]:
    """Fetch, parse, validate and resolve; return milliseconds and megabytes."""
    from reconciler import wire
    from reconciler.config import Settings, SourceSettings
    from reconciler.git.source import GitSource

    platform = SourceSettings(id="platform", url=repository)
    with tempfile.TemporaryDirectory(prefix="zoe-bench-") as folder:
        settings = Settings(sources=(platform,), state_dir=Path(folder))
        reader = wire.reader(settings, GitSource(platform, Path(folder) / "mirror.git"))
        begun = perf_counter()
        tip = reader.source.fetch()
        fetched = perf_counter()
        wanted = reader.read(tip, good={})
        read = perf_counter()
    return {
        "fetched_ms": (fetched - begun) * 1000,
        "read_ms": (read - fetched) * 1000,
        "found": len(wanted.manifests),
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def measure(count: int, rounds: int) -> list[Row]:
    """Return the rows of a size."""
    return [
        *_measured(f"{count} manifests", manifests(count), count, rounds, BUDGET_MS.get(count)),
        *_measured(f"{count} of ZApps", of_zapps(count), count, rounds, _OF_ZAPPS_MS.get(count)),
    ]


def _measured(
    what: str, files: Iterable[tuple[str, str]], count: int, rounds: int, budget_ms: float | None
) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="zoe-bench-") as folder:
        repository = Path(folder) / "config.git"
        commit(repository, files)
        told = [_apart(repository) for _ in range(rounds)]
    if wrong := [one for one in told if one["found"] != count]:
        raise RuntimeError(f"{wrong[0]['found']} manifests were read, not {count}")
    most = max(one["megabytes"] for one in told)
    fetched = max(one["fetched_ms"] for one in told)
    return [
        Row(
            name=f"{what} read for the first time",
            rounds_ms=tuple(one["read_ms"] for one in told),
            budget_ms=budget_ms,
            note=f"after {fetched:.0f} ms of fetching; at most {most:.0f} MB (budget {BUDGET_MB})",
        )
    ]


def _apart(repository: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.cold_start", "--look", str(repository)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    told: dict[str, float] = json.loads(done.stdout)
    return told


def main() -> None:
    parser = arguments(__doc__, rounds=5)
    parser.add_argument("--executions", type=int, default=10_000)
    parser.add_argument("--look", metavar="REPOSITORY", help="One round, told as JSON.")
    given = parser.parse_args()
    if given.look:
        print(json.dumps(look(given.look)))
        return
    show(measure(given.executions, given.rounds), output=given.output)


if __name__ == "__main__":
    main()
