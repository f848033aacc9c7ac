"""``zoe demo`` without a Swarm and without root: the whole story on the simulated cluster."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.cli import demo, lab, main
from reconciler.config import Settings

# As a plain user finds it, also where the tests run as root.
_TELLING = """\
import sys
from pathlib import Path

from reconciler.cli import demo, lab
from reconciler.config import Settings
from reconciler.cli.demo import Demo

demo = Demo(Path(sys.argv[1]))
demo.swarm.is_simulated = True
demo.swarm.settle = lambda: None
try:
    demo.play()
finally:
    demo.down()
"""


def test_the_demo_is_told_to_its_end_on_a_simulated_cluster(tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "DOCKER_HOST"}
    done = subprocess.run(
        [sys.executable, "-c", _TELLING, str(tmp_path)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for line in ("aml/hello\tSucceeded", "aml/notebook\tRunning", "aml/web\tStopped"):
        assert line in done.stdout
    assert "/lab?token=" in done.stdout
    assert " status: " in done.stdout  # the branch's newest commit
    assert not (tmp_path / "demo").exists()


@pytest.mark.parametrize(("options", "downs"), [([], 1), (["--once"], 2)])
def test_a_demo_that_is_interrupted_leaves_nothing_unsaid(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    downs: int,
) -> None:
    """It may be minutes into starting engines, which go on; with --once nothing may."""
    done: list[str] = []

    def play(_: demo.Demo) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(demo.Demo, "play", play)
    monkeypatch.setattr(demo.Demo, "down", lambda _: done.append("down"))
    assert main(["demo", "--dir", str(tmp_path), *options]) == 130
    assert (len(done), "zoe demo --down" in capsys.readouterr().err) == (downs, not options)


def test_demo_and_lab_keep_their_state_where_all_else_does() -> None:
    (of_demo,) = (each for each in demo.command.params if each.name == "directory")
    up = lab.command.commands["up"]
    (of_lab,) = (each for each in up.params if each.name == "directory")
    assert (of_demo.default, of_lab.default) == (Settings().state_dir, Settings().state_dir / "lab")
