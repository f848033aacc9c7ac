"""The quick start, typed as it is printed, on the simulated cluster."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from socket import create_server

from tests.fixtures.desk import Desk
from tests.fixtures.pages import blocks
from tests.fixtures.swarm import wait_for
from tests.fixtures.verbs import lasting

NOTE = "typed by tests/integration/cli/test_quickstart.py"


def test_the_quick_start_ends_with_a_notebook_that_ran(tmp_path: Path) -> None:
    shown = [block.typed for block in blocks("docs/quickstart.md", "sh") if block.note == NOTE]
    repository, settings, up, notebook, next_ = shown
    with create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    desk = Desk(tmp_path)
    desk.at = tmp_path / "home/first"
    desk.at.mkdir(parents=True)
    desk.program("zoe", f'#!/bin/sh\nexec {sys.executable} -m reconciler "$@"\n')
    desk.changes = {
        r"<<END\n": '<<END\ncluster = "simulated"\ninterval_s = 1\n',
        r"^zoe up\b": f"exec zoe up --port {port}",
    }
    assert "\n5 valid documents\n" in desk.type(repository)
    assert "\n0 problem(s)" in desk.type(desk.here(settings))
    with lasting(["bash", "-euc", desk.here(up)], desk.at, desk.environment) as process:
        # People take longer than this to turn to the other terminal.
        branch = "git --git-dir config.git rev-parse -q --verify zoe/status || true"
        wait_for(lambda: desk.type(branch), what="the status branch")
        # In one terminal: what is exported and where one is lasts.
        told = desk.type(f"{notebook}zoe status aml/notebook\n{next_}")
        assert "token=" in told
        assert "zoe-lab/jupyter" in told
        desk.type("ZOE_CONFIG=zoe.toml zoe wait aml/notebook --for Ended --timeout 1m")
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
