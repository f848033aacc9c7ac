"""``zoe run`` as a process: started, paused, stopped, killed; and what it logs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests import forked
from tests.forked import ForkedZoe

ZOE = "zoe"
ROOT = Path(__file__).parents[2]
Json = Mapping[str, Any]


def finished(
    command: Sequence[str], environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; ``zoe`` is forked from a process that has it imported."""
    program, *arguments = command
    if program == ZOE:
        return forked.run(arguments, cwd=ROOT, env=environment, timeout_s=120)
    return subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


class RunningZoe:
    """A ``zoe run`` in a process group of its own; its log is a file of JSON lines.

    The command ``zoe`` is forked too.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.log = log
        self._process = _started(command, environment, log)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def events(self, event: str) -> list[Json]:
        """Return the log lines of one kind."""
        return [line for line in map(_parsed, self._lines()) if line.get("event") == event]

    def told(self) -> list[Json]:
        """Return all log lines, oldest first."""
        return [line for line in map(_parsed, self._lines()) if line]

    def faults(self) -> list[str]:
        """Return what must never be in a log: a traceback, or anything that isn't a log line."""
        return [line for line in self._lines() if not (data := _parsed(line)) or "trace" in data]

    def pause(self) -> None:
        """Let it stand still, as an overloaded machine would."""
        os.killpg(self._process.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        os.killpg(self._process.pid, signal.SIGCONT)

    def stop(self, *, within_s: float = 30) -> None:
        """End it in good order: what waits to be published is published."""
        self._process.send_signal(signal.SIGTERM)
        assert self._process.wait(within_s) == 0, self.log.read_text()[-4000:]

    def _lines(self) -> list[str]:
        """Return the whole lines of the log; the last one may never be finished."""
        return self.log.read_text().split("\n")[:-1]

    def kill_after(self, seconds: float) -> None:
        """Let it live for a while, then end it as a power cut would."""
        with pytest.raises(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        self.kill()

    def kill(self) -> None:
        """End it as a power cut would."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)


def _started(
    command: Sequence[str], environment: Mapping[str, str], log: Path
) -> ForkedZoe | subprocess.Popen[bytes]:
    program, *arguments = command
    if program == ZOE:
        return ForkedZoe(arguments, cwd=ROOT, env=environment, out=log, err=log)
    with log.open("ab") as file:
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            start_new_session=True,
        )


def _parsed(line: str) -> Json:
    try:
        found: Json = json.loads(line)
    except ValueError:
        return {}
    return found
