"""A forked ``zoe`` is like a started one in what tests of verbs look at."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests import forked
from tests.fixtures.verbs import CHECKOUT


def test_it_says_and_returns_what_a_started_one_does(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), "ZOE_CONFIG": "nowhere.toml"}
    argv = ("once", "--single")
    started = subprocess.run(
        [sys.executable, "-m", "reconciler", *argv],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    there = forked.run(argv, cwd=tmp_path, env=environment, timeout_s=60)
    assert started.returncode == 2
    assert "nowhere.toml" in started.stderr
    assert (there.returncode, there.stdout, there.stderr) == (
        started.returncode,
        started.stdout,
        started.stderr,
    )


def test_a_signal_ends_it_and_is_told(tmp_path: Path) -> None:
    log = tmp_path / "log"
    # It never gets the lease of a database that isn't there.
    (tmp_path / "zoe.toml").write_text(
        'database_url = "postgresql://:1/none"\ncluster = "simulated"\ninit_image = "i"\n'
        f'[[source]]\nid = "platform"\nurl = "{tmp_path}/none.git"\n'
    )
    process = forked.ForkedZoe(("run",), cwd=tmp_path, env=os.environ, out=log, err=log)
    assert os.getpgid(process.pid) == process.pid
    os.killpg(process.pid, signal.SIGKILL)
    assert process.wait(20) == process.poll() == -signal.SIGKILL
