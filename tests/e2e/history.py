"""What happened in the Swarm, by its own account."""

from __future__ import annotations

import json
import subprocess

from tests.fixtures.swarm import Swarm


class ServiceCreations:
    """The engine's own account of the services it created. It is complete: nothing is polled."""

    def __init__(self, swarm: Swarm) -> None:
        command = ["docker", "--host", swarm.docker_host, "events", "--format", "{{json .}}"]
        command += ["--filter", "type=service", "--filter", "event=create"]
        self._swarm = swarm
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> ServiceCreations:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def end(self) -> list[str]:
        self._process.terminate()
        out, _ = self._process.communicate(timeout=10)
        return [json.loads(line)["Actor"]["Attributes"]["name"] for line in out.splitlines()]
