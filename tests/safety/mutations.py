"""Takes out each guard in a copy of the sources, and runs the tests that must notice.

    python -m tests.safety.mutations [NAME ...]

Prints those that survived; ends with 1 if there are any.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.safety.guards import GUARDS, Guard

ROOT = Path(__file__).parents[2]
LONGEST_S = 900
NO_TESTS_FAILED = 0
TESTS_FAILED = 1


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


def outcome(tree: Path, guard: Guard) -> str:
    """Return whether tests fail without the guard: "killed", "SURVIVED", or what went wrong."""
    source = tree / guard.file
    text = source.read_text()
    source.write_text(text.replace(guard.old, guard.new))
    try:
        code = run(tree, guard.tests.split())
    except subprocess.TimeoutExpired:
        return "killed"  # hanging is noticed, too
    finally:
        source.write_text(text)
    return {NO_TESTS_FAILED: "SURVIVED", TESTS_FAILED: "killed"}.get(
        code, f"pytest ended with {code}"
    )


def run(tree: Path, tests: Sequence[str]) -> int:
    """Return the exit code of pytest on the copy."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        command, cwd=tree, env=environment, capture_output=True, timeout=LONGEST_S, check=False
    )
    return done.returncode


def main(names: Sequence[str]) -> int:
    """Return the exit code."""
    chosen = [guard for guard in GUARDS if not names or guard.name in names]
    survived = 0
    with tempfile.TemporaryDirectory(prefix="zoe-mutations-") as folder:
        tree = copied(Path(folder))
        for guard in chosen:
            result = outcome(tree, guard)
            survived += result != "killed"
            print(f"{guard.name}: {result}", flush=True)  # noqa: T201 - a program's result
    print(f"{len(chosen)} guards taken out, {survived} not noticed")  # noqa: T201
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
