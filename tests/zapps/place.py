"""A working place of somebody who follows a README: a clone, a shell, ``zoe up`` beside it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.process import ROOT, Json, RunningZoe
from tests.fixtures.swarm import Swarm
from tests.zapps.readme import Step, steps

ZAPPS = ROOT / "examples" / "zapps"
PATIENCE_S = 600
POLL_S = 2.0
RESTING = """
apiVersion: zoe/v1
kind: Execution
metadata: {name: resting}
spec:
  suspend: true
  type: batch
  services:
    main: {image: busybox, command: ["true"]}
"""
_WHO = {"NAME": "Ada", "EMAIL": "ada@example.org"}
_IDENTITY = {f"GIT_{role}_{k}": v for role in ("AUTHOR", "COMMITTER") for k, v in _WHO.items()}


class Place:
    """The repository holds all ZApps and what their README tells to add; images are the lab's."""

    def __init__(self, folder: Path, swarm: Swarm) -> None:
        self.swarm = swarm
        self.clone = folder / "clone"
        self.workspace = folder / "workspaces" / "aml"
        self._folder = folder
        with socket.create_server(("127.0.0.1", 0)) as server:
            self._port = server.getsockname()[1]
        self._environment = {
            **os.environ,
            **_IDENTITY,
            "ZOE_CONFIG": str(folder / "zoe.toml"),
            "ZOE_SERVER": f"http://127.0.0.1:{self._port}",
            "DOCKER_HOST": swarm.docker_host,
            "HOME": str(folder),
            "USER": "ada",
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        }
        self._lay()
        command = [sys.executable, "-m", "reconciler", "up", "--port", str(self._port)]
        self._zoe = RunningZoe(command, self._environment, folder / "zoe.log")
        self.wait_until(lambda: self._zoe.events("listening"), what="zoe up to listen")

    # -- what people do

    def sh(self, script: str) -> str:
        """Run lines of shell in the clone and return what they printed."""
        printed = self._output(script)
        print(f"$ {script.rstrip()}\n{printed.rstrip()}")  # noqa: T201 - the record of the run
        return printed

    def follow(self, folder: Path) -> list[str]:
        """Do what a README says: lay its files, run its lines; return the cells that it holds."""
        cells: list[str] = []
        printed = ""
        for step in steps(folder / "README.md"):
            match step:
                case Step(language="file"):
                    self.write(step.path, step.text)
                case Step(language="sh"):
                    printed = self.sh(step.text)
                case Step(language="text"):
                    missing = [line for line in step.text.splitlines() if line not in printed]
                    assert not missing, f"{missing} in:\n{printed}"
                case _:
                    cells.append(step.text)
        return cells

    def write(self, path: str, text: str) -> None:
        """Lay a file into the clone."""
        print(f"--- {path}\n{text.rstrip()}")  # noqa: T201 - the record of the run
        target = self.clone / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def push(self, path: str, text: str) -> None:
        """Commit and push one file."""
        self.write(path, text)
        self.sh("git add -A && git commit -qm 'An edit' && git push -q")

    def edit(self, path: str, old: str, new: str) -> None:
        """Change one place of a file, and push it."""
        text = (self.clone / path).read_text()
        assert text.count(old) == 1, text
        self.push(path, text.replace(old, new))

    def stop_all(self) -> None:
        """Delete all executions, and wait until nothing of them runs."""
        shutil.rmtree(self.clone / "executions", ignore_errors=True)
        # One stays, and never runs: that nothing at all is wanted would be held as a mistake.
        self.write("executions/aml/resting.yaml", RESTING)
        self.sh("git add -A && git commit -q --allow-empty -m 'The end' && git push -q")
        self.wait_until(lambda: not self.services(""), what="all to be stopped")

    @contextmanager
    def beside(self, script: str) -> Iterator[str]:
        """Run a line of shell that goes on until Ctrl-C; lend the first line that it prints."""
        process = subprocess.Popen(
            ["bash", "-c", f"exec {script}"],
            cwd=self.clone,
            env={**self._environment, "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            print(f"$ {script}\n{line.rstrip()}")  # noqa: T201 - the record of the run
            yield line
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=30)

    # -- what is told and what is there

    def wait_until(self, condition: Callable[[], object], *, what: str) -> None:
        """Wait; if it was in vain, say what was logged."""
        pause, until = threading.Event(), time.monotonic() + PATIENCE_S
        while not condition():  # asked seldom: each question is a process on a busy machine
            assert time.monotonic() < until, f"waited in vain for {what}\n{self._log()}"
            pause.wait(POLL_S)

    def status(self, name: str) -> Json:
        """Return an execution's status."""
        found: Json = json.loads(self._output(f"zoe status {name} -o json"))
        return found

    def names(self, states: str, prefix: str) -> list[str]:
        """Return who is in one of these states, of those whose names begin so, by run."""
        found = json.loads(self._output(f"zoe status --all-runs --state {states} -o json"))
        names = [f"{line['namespace']}/{line['name']}" for line in found["lines"]]
        return [name for name in names if name.startswith(prefix)]

    def services(self, name: str) -> list[str]:
        """Return the names of the services whose names begin so, only those of executions."""
        listed = self.swarm.docker("service", "ls", "--format", "{{.Name}}").split()
        # What prepares storage and what leads to pages goes by itself, and later.
        ours = (service for service in listed if not service.startswith(("init-", "gateway-")))
        return [service for service in ours if service.startswith(name)]

    def logs(self, name: str, component: str) -> str:
        return self._output(f"zoe logs {name} --component {component} --tail 5000")

    def address(self, name: str, port: str) -> str:
        """Return the address of one of an execution's pages, without the token at its end."""
        printed = self.sh(f"zoe open {name} --port {port} --print").strip()
        return printed.splitlines()[-1].partition("?")[0]

    def token(self, name: str) -> str:
        """Return what was generated for an execution, as a member reads it."""
        return self._output(f"git fetch -q origin && zoe secret show {name}").strip()

    # -- beginning and end

    def close(self) -> None:
        """Let everything be stopped, then end ``zoe up``."""
        try:
            self.stop_all()
        finally:
            self._zoe.stop()

    def _output(self, script: str) -> str:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.clone,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert done.returncode == 0, f"{script}\n{done.stdout}\n{self._log()}"
        return done.stdout

    def _log(self) -> str:
        return self._zoe.log.read_text()[-3000:]

    def _lay(self) -> None:
        """Lay the clone with its remote, the settings and a ``zoe`` to call."""
        ignored = shutil.ignore_patterns("image", "README.md")
        shutil.copytree(ZAPPS, self.clone / "zapps", ignore=ignored)
        program = self._folder / "bin" / "zoe"
        program.parent.mkdir()
        program.write_text(
            f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m reconciler "$@"\n'
        )
        program.chmod(0o755)
        self.workspace.parent.mkdir()
        bare = self._folder / "config.git"
        lines = [
            'deployment = "zapps"',
            f'docker_host = "{self.swarm.docker_host}"',
            'state_dir = "state"',
            "interval_s = 2",
            "publish_interval_s = 2",
            f'[[source]]\nid = "platform"\nurl = "{bare}"',
            '[gateway]\nimage = "zoe/gateway:1"',
            f'[storage.workspace]\npath = "{self.workspace.parent}"\nshared = true',
        ]
        (self._folder / "zoe.toml").write_text("\n".join(lines) + "\n")
        self.sh(
            f"git init -q --bare -b main {bare} && git init -q -b main . "
            f"&& git remote add origin {bare} && git add -A && git commit -qm 'Begin' "
            "&& git push -qu origin main"
        )
