"""The quick start, typed as it is printed, on the simulated cluster."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.fixtures.verbs import CHECKOUT


def test_the_quick_start_ends_with_a_notebook_that_runs(tmp_path: Path) -> None:
    text = (CHECKOUT / "docs/quickstart.md").read_text()
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    repository = next(block for block in blocks if block.startswith("zoe init config\ncd config"))
    settings = next(block for block in blocks if block.startswith("cat >zoe.toml"))
    program = tmp_path / "bin/zoe"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m reconciler "$@"\n')
    program.chmod(0o755)
    environment = {
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(CHECKOUT),
        "HOME": str(tmp_path),
        "GIT_CONFIG_NOSYSTEM": "1",
        **{
            f"GIT_{role}_{part}": "me@example.org"
            for role in ("AUTHOR", "COMMITTER")
            for part in ("NAME", "EMAIL")
        },
    }

    def shell(script: str) -> str:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    assert "\n5 valid documents\n" in shell(repository)
    assert "\n0 problem(s)" in shell(settings.replace("END\n", 'END\ncluster = "simulated"\n', 1))
    assert shell("zoe once 2>/dev/null").startswith("1 Running at ")
    assert "zoe-lab/jupyter" in shell("zoe status aml/notebook")
