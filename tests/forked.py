"""``zoe`` as a process of its own that is there at once, forked from one whose imports are done.

It has all that a process has: memory, signals, output, an exit code. Only the start of Python and
the imports are shared, which take longer than most verbs. Tests of just these, and one of each
verb that stays, start ``python -m reconciler``.
"""

from __future__ import annotations

import gc
import multiprocessing
import os
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

# Nothing that imports pygit2: libgit2 reads the environment when it is loaded, and each process
# has one of its own.
_IMPORTED = (
    "apscheduler.schedulers.background",
    "docker",
    "jsonschema",
    "reconciler.loop",
    "reconciler.store.repository",
    "rich.console",
    "webhook.serve",
)
_processes = multiprocessing.get_context("forkserver")


class ForkedZoe:
    """The part of ``subprocess.Popen`` that the tests use; it leads a process group."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        out: Path,
        err: Path,
        is_strict: bool = False,
    ) -> None:
        """Return once it runs; ``is_strict`` makes errors of its warnings, as ``-W error`` does."""
        _processes.set_forkserver_preload(list(_IMPORTED))
        ready, running = _processes.Pipe(duplex=False)
        self.args = ("zoe", *argv)
        self._process = _processes.Process(
            target=_run,
            args=(tuple(argv), str(cwd), dict(env), str(out), str(err), is_strict, running),
        )
        self._process.start()
        running.close()
        with ready:
            assert ready.poll(30), "it doesn't start"
        self.pid = self._process.pid or 0

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float) -> int:
        self._process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired(self.args, timeout)
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            os.kill(self.pid, number)


def run(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    timeout_s: float,
    is_strict: bool = False,
) -> subprocess.CompletedProcess[str]:
    """Run a verb to its end, as ``subprocess.run`` would."""
    with tempfile.TemporaryDirectory(prefix="zoe-forked-") as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        process = ForkedZoe(argv, cwd=cwd, env=env, out=out, err=err, is_strict=is_strict)
        try:
            code = process.wait(timeout_s)
        finally:
            process.send_signal(9)
        return subprocess.CompletedProcess(process.args, code, out.read_text(), err.read_text())


def _run(
    argv: Sequence[str],
    cwd: str,
    env: Mapping[str, str],
    out: str,
    err: str,
    is_strict: bool,
    running: Connection,
) -> None:
    os.setsid()
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    for number, path in ((1, out), (2, err)):
        opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(opened, number)
        os.close(opened)
    running.close()
    if is_strict:
        warnings.simplefilter("error")
    from reconciler.cli import main

    code = main(argv)
    gc.collect()  # says what was left open, as the end of an interpreter does
    sys.exit(code)
