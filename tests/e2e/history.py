"""What happened in the Swarm, by its own account."""

from __future__ import annotations

import json
import subprocess
from typing import Self

from reconciler.clock import SystemClock
from tests.fixtures.swarm import Swarm


class ServiceEvents:
    """What the engine does with services from now on: told by it, not polled."""

    def __init__(self, swarm: Swarm, *events: str) -> None:
        since = f"{SystemClock().now().timestamp():.3f}"  # the listener takes a while to start
        command = ["docker", "--host", swarm.docker_host, "events", "--format", "{{json .}}"]
        command += ["--since", since, "--filter", "type=service"]
        command += [part for event in events for part in ("--filter", f"event={event}")]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def end(self) -> list[tuple[str, str]]:
        """Stop listening and return events and names, oldest first."""
        self._process.terminate()
        out, _ = self._process.communicate(timeout=10)
        told = [json.loads(line) for line in out.splitlines()]
        return [(event["Action"], event["Actor"]["Attributes"]["name"]) for event in told]
