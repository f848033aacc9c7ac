"""Many users, of whom each has one invalid manifest: it is told, and all others are read.

Each round reads it in a process of its own, twice: for the first time, and after one edit. The last
rows are of the limits as they are by default, which so many manifests exceed.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

from benchmarks.noop_pass import commit
from benchmarks.report import Row, arguments, show

_HEAD = "apiVersion: zoe/v1\nkind: {kind}\nmetadata: {{name: {name}}}\n"
_BODY = """\
spec:
  type: batch
  services:
    main:
      image: busybox
      resources: {reservations: {cpus: 0.01, memory: 16MiB}}
"""


def manifests(users: int, each: int) -> Iterator[tuple[str, str]]:
    """Yield path and text; the first manifest of each user has a memory that nobody writes so."""
    yield "platform.yaml", _HEAD.format(kind="Platform", name="platform") + "spec: {}\n"
    for user in range(users):
        name = f"user{user}"
        yield f"namespaces/{name}.yaml", _HEAD.format(kind="Namespace", name=name) + "spec: {}\n"
        for number in range(each):
            body = _BODY if number else _BODY.replace("16MiB", "16M")
            text = _HEAD.format(kind="Execution", name=f"e{number}") + body
            yield f"executions/{name}/e{number}.yaml", text


def look(repository: str, raised: int) -> dict[str, float]:
    """Read it; return milliseconds, megabytes and what came of it."""
    import pygit2

    from reconciler import wire
    from reconciler.config import Settings, SourceSettings
    from reconciler.git.source import GitSource
    from reconciler.manifest.limits import Limits

    platform = SourceSettings(id="platform", url=repository)
    limits = Limits(files=raised, manifests=raised, content_mib=1024) if raised else Limits()
    with tempfile.TemporaryDirectory(prefix="zoe-bench-") as folder:
        settings = Settings(sources=(platform,), state_dir=Path(folder), limits=limits)
        reader = wire.reader(settings, GitSource(platform, Path(folder) / "mirror.git"))
        tip = reader.source.fetch()
        begun, worked = perf_counter(), process_time()
        wanted = reader.read(tip, good={})
        read, read_work = perf_counter() - begun, process_time() - worked
        told = reader.diagnostics
        git = pygit2.Repository(repository)
        index = pygit2.Index()
        index.read_tree(git[tip].peel(pygit2.Tree))
        text = _HEAD.format(kind="Execution", name="e1") + _BODY.replace("16MiB", "32MiB")
        blob = git.create_blob(text.encode())
        path = "executions/user0/e1.yaml"
        index.add(pygit2.IndexEntry(path, blob, pygit2.enums.FileMode.BLOB))
        bot = pygit2.Signature("bench", "bench@localhost", 1_700_000_000, 0)
        tree = index.write_tree(git)
        edited = git.create_commit(None, bot, bot, "edit", tree, [pygit2.Oid(hex=tip)])
        git.references.create("refs/heads/main", edited, force=True)
        reader.source.fetch()
        begun = perf_counter()
        reader.read(str(edited), good=reader.good)
        again = perf_counter() - begun
        git.references.create("refs/heads/main", pygit2.Oid(hex=tip), force=True)
    return {
        "read_ms": read * 1000,
        "work_ms": read_work * 1000,
        "again_ms": again * 1000,
        "valid": len(wanted.manifests),
        "told": len(told),
        "files": len({one.file for one in told}),
        "placed": sum(one.line > 0 for one in told),
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def measure(users: int, each: int, rounds: int) -> list[Row]:
    """Return the rows of a size."""
    with tempfile.TemporaryDirectory(prefix="zoe-bench-") as folder:
        repository = Path(folder) / "config.git"
        commit(repository, manifests(users, each))
        raised = 2 * users * each
        told = [_apart(repository, raised) for _ in range(rounds)]
        bounded = [_apart(repository, 0) for _ in range(rounds)]
    first = told[0]
    expected = (users * (each - 1), users, users, users)
    found = (first["valid"], first["told"], first["files"], first["placed"])
    if found != expected:
        raise RuntimeError(f"valid, told, files, placed are {found}, not {expected}")
    count = users * each
    return [
        _row(f"{count} manifests of {users} users, one invalid of each", told, "read_ms"),
        _row("one of them edited", told, "again_ms"),
        _row("the same under default limits", bounded, "read_ms"),
    ]


def _row(name: str, told: list[dict[str, Any]], what: str) -> Row:
    one = max(told, key=lambda one: one["megabytes"])
    work, most = f"{one['work_ms']:.0f} ms", f"{one['megabytes']:.0f} MB"
    note = f"{work} of processor time to read all, at most {most}; "
    note += f"{one['valid']} valid, {one['told']} told of {one['files']} files"
    return Row(name=name, rounds_ms=tuple(one[what] for one in told), note=note)


def _apart(repository: Path, raised: int) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.large_repository", "--raised", str(raised)]
    done = subprocess.run([*command, "--look", str(repository)], check=True, stdout=subprocess.PIPE)
    told: dict[str, float] = json.loads(done.stdout)
    return told


def main() -> None:
    parser = arguments(__doc__, rounds=1)
    parser.add_argument("--users", type=int, default=500)
    parser.add_argument("--each", type=int, default=100, help="Manifests of one user.")
    parser.add_argument("--look", metavar="REPOSITORY", help="One round, told as JSON.")
    parser.add_argument("--raised", type=int, default=0, help="Limits of it; 0: the defaults.")
    given = parser.parse_args()
    if given.look:
        print(json.dumps(look(given.look, given.raised)))
        return
    show(measure(given.users, given.each, given.rounds), output=given.output)


if __name__ == "__main__":
    main()
