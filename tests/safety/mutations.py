"""Takes out each guard in a copy of the sources, and runs the tests that must notice.

    python -m tests.safety.mutations [NAME ...] [--record]

First all these tests must pass with every guard in its place. Then each guard is taken out by
itself, in a process of its own that stops at the first failure. Prints which test noticed, and
ends with 1 if none did. ``--record`` writes the count to ``docs/reliability.json``.
"""

from __future__ import annotations

import argparse
import compileall
import json
import multiprocessing
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from tests.safety.guards import GUARDS, Guard

ROOT = Path(__file__).parents[2]
RECORD = ROOT / "docs" / "reliability.json"
LONGEST_S = 300
PASSED = "all tests passed"
_FAILED = pytest.ExitCode.TESTS_FAILED
_BROKEN = ("SyntaxError", "NameError", "ImportError", "IndentationError")
"""Errors of a replacement that isn't a program: no test noticed anything then."""


def copied(into: Path) -> Path:
    """Copy what belongs to the project, as it is in the work tree."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=True,
    )  # fmt: skip
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (into / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, into / name)
    return into


def noticed(tree: Path, guard: Guard) -> str:
    """Return which test fails without the guard; "" if none does, or what is left is no program."""
    source = tree / guard.file
    text, was = source.read_text(), source.stat()
    source.write_text(text.replace(guard.old, guard.new))
    try:
        found = ran(tree, guard.tests.split())
    finally:
        source.write_text(text)
        os.utime(source, ns=(was.st_atime_ns, was.st_mtime_ns))
    is_broken = any(f"{error}:" in found for error in _BROKEN)
    return "" if found == PASSED or is_broken else found


def ran(tree: Path, tests: Sequence[str]) -> str:
    """Run tests of the copy in a process of its own; return which failed first and with what."""
    # The parent has imported what belongs to others, and nothing of the project's but this.
    here = multiprocessing.get_context("fork")
    answer, theirs = here.Pipe(duplex=False)
    process = here.Process(target=_run, args=(tree, tests, theirs))
    process.start()
    theirs.close()
    with answer:
        try:
            found = str(answer.recv()) if answer.poll(LONGEST_S) else "it hung"
        except EOFError:
            found = "the process of the tests ended"
    process.kill()
    process.join()
    return found


class _First:
    """Remembers the first test that failed."""

    found = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self.found:
            told = str(getattr(report.longrepr, "reprcrash", None) or report.longrepr)
            self.found = f"{report.nodeid}: {' '.join(told.split())[:200]}"


def _run(tree: Path, tests: Sequence[str], answer: Connection) -> None:
    os.setpgid(0, 0)
    os.chdir(tree)
    os.environ |= {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    sys.dont_write_bytecode = True  # two replacements in one second would look alike
    for name in [name for name in sys.modules if name.partition(".")[0] == "tests"]:
        del sys.modules[name]
    sys.path[:] = [str(tree), *(path for path in sys.path if Path(path or ".").resolve() != ROOT)]
    first = _First()
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        code = pytest.main(["-x", "-p", "no:cacheprovider", *tests], plugins=[first])
    if code == pytest.ExitCode.OK:
        answer.send(PASSED)
    elif code == _FAILED and first.found:
        answer.send(first.found)
    else:
        answer.send(f"SyntaxError: pytest ended with {code!r}")
    answer.close()
    os._exit(0)


def record(guards: int, survived: int) -> None:
    """Write what came of all guards."""
    kept: dict[str, Any] = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    kept["mutations"] = {"guards": guards, "survived": survived}
    RECORD.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n")


def check(chosen: Sequence[Guard]) -> int:
    """Take out each; return how many weren't noticed."""
    survived = 0
    with tempfile.TemporaryDirectory(prefix="zoe-mutations-") as folder:
        tree = copied(Path(folder))
        compileall.compile_dir(tree, quiet=2)
        for tests in sorted({guard.tests for guard in chosen}):
            if (found := ran(tree, tests.split())) != PASSED:
                print(f"with all guards in place: {tests}: {found}", flush=True)  # noqa: T201
                return len(chosen)
        for guard in chosen:
            found = noticed(tree, guard)
            survived += not found
            print(f"{guard.name}: {found or 'SURVIVED'}", flush=True)  # noqa: T201
    return survived


def main() -> int:
    """Return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", help="guards to take out (all)")
    parser.add_argument("--record", action="store_true", help="write the count down")
    given = parser.parse_args()
    if unknown := sorted(set(given.names) - {guard.name for guard in GUARDS}):
        parser.error(f"there is no guard {', '.join(unknown)}")
    chosen = [guard for guard in GUARDS if not given.names or guard.name in given.names]
    survived = check(chosen)
    if given.record and len(chosen) == len(GUARDS):
        record(len(chosen), survived)
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = usage.ru_utime + usage.ru_stime
    print(  # noqa: T201 - a program's result
        f"{len(chosen)} guards taken out, {survived} not noticed, {spent:.0f} s CPU"
    )
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
