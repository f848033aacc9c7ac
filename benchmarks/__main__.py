"""The benchmarks one after the other: what ``make bench`` and ``make bench-long`` run.

Each is a process of its own, so that none finds what another left. ``--record`` keeps what was
measured in docs/performance.json and writes the table of docs/performance.md anew. A row that
misses its budget fails nothing: a busy machine is slow and not broken.
"""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from benchmarks import results
from benchmarks.report import line, machine, row_of
from benchmarks.suite import LONG, SHORT, Benchmark
from tests.fixtures.postgres import lent_postgres


def main() -> int:
    """Return 1 if a benchmark failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--long", action="store_true", help="The long forms; some take an hour.")
    parser.add_argument("--record", action="store_true", help="Keep the results in docs/.")
    parser.add_argument("only", nargs="*", metavar="NAME", help="Of the benchmarks; default: all.")
    given = parser.parse_args()
    chosen = [b for b in (LONG if given.long else SHORT) if not given.only or b.name in given.only]
    print(machine(), flush=True)
    with _databases() as database:
        failed = [b.name for b in chosen if not _run(b, database, record=given.record)]
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def _run(benchmark: Benchmark, database: Callable[[], str], *, record: bool) -> bool:
    print(f"-- {benchmark.command}", flush=True)
    arguments = [database() if a == "POSTGRESQL" else a for a in benchmark.arguments]
    command = [sys.executable, "-m", f"benchmarks.{benchmark.name}", *arguments, "-o", "json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        return False
    found = json.loads(done.stdout)
    for row in found["results"]:
        print(line(row_of(row)), flush=True)
    if record:
        results.keep(benchmark.command, found)
    return True


@contextmanager
def _databases() -> Iterator[Callable[[], str]]:
    """Lend a maker of empty databases, on a server that keeps what it was told as usual."""
    with lent_postgres(fsync="on", full_page_writes="on") as server:
        numbers = itertools.count()

        def made() -> str:
            name = f"bench{next(numbers)}"
            server.create(name)
            return server.url(name)

        yield made


if __name__ == "__main__":
    sys.exit(main())
