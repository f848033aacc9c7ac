"""What happened in the Swarm, by its own account."""

from __future__ import annotations

import json
import subprocess
from typing import Self

from reconciler.clock import SystemClock
from tests.fixtures.swarm import Swarm


class ServiceCreations:
    """Every service that the engine creates from now on: told by it, not polled."""

    def __init__(self, swarm: Swarm) -> None:
        since = f"{SystemClock().now().timestamp():.3f}"  # the listener takes a while to start
        command = ["docker", "--host", swarm.docker_host, "events", "--format", "{{json .}}"]
        command += ["--since", since, "--filter", "type=service", "--filter", "event=create"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def end(self) -> list[str]:
        """Stop listening and return the names, oldest first."""
        self._process.terminate()
        out, _ = self._process.communicate(timeout=10)
        return [json.loads(line)["Actor"]["Attributes"]["name"] for line in out.splitlines()]
