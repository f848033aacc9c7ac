"""Takes out each guard in a copy of the sources, and runs the tests that must notice.

    python -m tests.safety.mutations [NAME ...] [--record]

First all these tests must pass with every guard in its place. Then each guard is taken out by
itself, in a process of its own that stops at the first failure; it is forked from one that has
imported what others wrote, which takes longer than most of these tests. Prints which test noticed,
and ends with 1 if none did. ``--record`` writes the count to ``docs/reliability.json``.
"""

from __future__ import annotations

import argparse
import compileall
import importlib
import json
import multiprocessing
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from tests.safety.guard import Guard
from tests.safety.guards import GUARDS

ROOT = Path(__file__).parents[2]
RECORD = ROOT / "docs" / "reliability.json"
LONGEST_S = 120
ALL_LONGEST_S = 1800
PASSED = "all tests passed"
# What was imported before it began can't be rewritten by pytest, and needn't be.
_OPTIONS = ("-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning")
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


def ran(tree: Path, tests: Sequence[str], *, longest_s: float = LONGEST_S) -> str:
    """Run tests of the copy in a process of its own; return which failed first and with what."""
    here = multiprocessing.get_context("fork")
    answer, theirs = here.Pipe(duplex=False)
    process = here.Process(target=_run, args=(tree, tests, theirs))
    process.start()
    theirs.close()
    found = "it hung"
    with answer:
        try:
            if answer.poll(longest_s):
                found, others = answer.recv()
                _import(others)
        except EOFError:
            found = "the process of the tests ended"
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # with what its tests have started
    process.join()
    return found


def _import(names: Sequence[str]) -> None:
    """Import here what the tests needed of others, so that the next process finds it."""
    for name in names:
        with suppress(Exception), warnings.catch_warnings(action="ignore"):
            importlib.import_module(name)


def _of_others() -> list[str]:
    return [
        name
        for name, module in sorted(sys.modules.items())
        if (file := getattr(module, "__file__", None)) and "site-packages" in Path(file).parts
    ]


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
        code = pytest.main(["-x", *_OPTIONS, *tests], plugins=[first])
    if code == pytest.ExitCode.OK:
        found = PASSED
    elif code == _FAILED and first.found:
        found = first.found
    else:
        found = f"SyntaxError: pytest ended with {code!r}"
    answer.send((found, _of_others()))
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
        for tests in _all_of(chosen):
            if (found := ran(tree, tests, longest_s=ALL_LONGEST_S)) != PASSED:
                print(f"with all guards in place: {found}", flush=True)  # noqa: T201
                return len(chosen)
        for guard in chosen:
            found = noticed(tree, guard)
            survived += not found
            print(f"{guard.name}: {found or 'SURVIVED'}", flush=True)  # noqa: T201
    return survived


def _all_of(chosen: Sequence[Guard]) -> list[list[str]]:
    """Return the arguments of as few runs as cover all tests: a choice by name needs its own."""
    each = {guard.tests for guard in chosen}
    plain = {word for tests in each if "-k" not in tests for word in tests.split()}
    return [*([sorted(plain)] if plain else []), *(t.split() for t in sorted(each) if "-k" in t)]


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
