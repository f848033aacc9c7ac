"""A working place of somebody who follows a README: a clone, a shell, ``zoe run`` beside it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.e2e.process import ROOT, Json, RunningZoe
from tests.fixtures.swarm import wait_for
from tests.zapps.readme import Step, steps

ZAPPS = ROOT / "examples" / "zapps"
_IDENTITY = {f"GIT_{who}_{what}": "ada@example.org" for who in ("AUTHOR", "COMMITTER")
             for what in ("NAME", "EMAIL")}


class Place:
    """The repository holds the example's settings and all ZApps; images are the lab's."""

    def __init__(self, folder: Path, docker_host: str) -> None:
        self.folder = folder
        self.clone = folder / "clone"
        self._environment = {
            **os.environ,
            **_IDENTITY,
            "ZOE_CONFIG": str(folder / "zoe.toml"),
            "DOCKER_HOST": docker_host,
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        }
        self._lay(docker_host)
        self._running: RunningZoe | None = None

    # -- what people do

    def sh(self, script: str, *, code: int = 0, timeout_s: float = 900) -> str:
        """Run lines of shell in the clone and return what they printed."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.clone,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        print(f"$ {script.rstrip()}\n{done.stdout.rstrip()}")
        assert done.returncode == code, f"{script}\n{done.stdout}\n{self.log()}"
        return done.stdout

    def follow(self, zapp: str, *, heading: str = "Steps") -> list[Step]:
        """Do what a README says: lay its files, run its lines; return the cells that it holds."""
        cells, printed = [], ""
        for step in steps(ZAPPS / zapp / "README.md", heading):
            match step.language:
                case "file":
                    self.write(step.path, step.text)
                case "sh":
                    printed = self.sh(step.text)
                case "text":
                    missing = [line for line in step.text.splitlines() if line not in printed]
                    assert not missing, f"{missing} in:\n{printed}"
                case _:
                    cells.append(step)
        return cells

    def write(self, path: str, text: str) -> None:
        """Lay a file into the clone."""
        print(f"--- {path}\n{text.rstrip()}")
        target = self.clone / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def push(self, path: str, text: str | None) -> None:
        """Commit and push one file, or its removal."""
        if text is None:
            (self.clone / path).unlink()
        else:
            self.write(path, text)
        self.sh("git add -A && git commit -qm 'An edit' && git push -q")

    # -- what is told

    def status(self, name: str) -> Json:
        """Return an execution's status; empty while there is none."""
        listed = json.loads(self._zoe("status", name, "-o", "json") or "[]")
        print(listed)
        return listed

    def log(self) -> str:
        """Return the end of what ``zoe run`` logged."""
        return self._running.log.read_text()[-3000:] if self._running else ""

    # -- beginning and end

    def start(self) -> None:
        """Start ``zoe run``."""
        program = [sys.executable, "-m", "reconciler", "run"]
        self._running = RunningZoe(program, self._environment, self.folder / "zoe.log")

    def close(self) -> None:
        """Let everything be stopped by an empty repository, then end ``zoe run``."""
        if self._running is None:
            return
        try:
            self.sh("zoe stop --help >/dev/null")
        finally:
            self._running.stop()

    def _zoe(self, *arguments: str) -> str:
        return self.sh(" ".join(["zoe", *arguments]))

    def _lay(self, docker_host: str) -> None:
        shutil.copytree(ROOT / "examples" / "repository", self.clone)
        shutil.rmtree(self.clone / "executions")
        shutil.rmtree(self.clone / "reservations")
        shutil.rmtree(self.clone / "zapps")
        shutil.copytree(ZAPPS, self.clone / "zapps", ignore=shutil.ignore_patterns("image"))
        program = self.folder / "bin" / "zoe"
        program.parent.mkdir()
        program.write_text(
            f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m reconciler "$@"\n'
        )
        program.chmod(0o755)
        bare = self.folder / "config.git"
        (self.folder / "zoe.toml").write_text(
            f'deployment = "zapps"\ndocker_host = "{docker_host}"\nstate_dir = "state"\n'
            f'interval_s = 2\n[[source]]\nid = "platform"\nurl = "{bare}"\n'
        )
        self.sh(
            f"git init -q --bare -b main {bare} && git init -q -b main . "
            f"&& git remote add origin {bare} && git add -A && git commit -qm 'Begin' "
            "&& git push -qu origin main"
        )
