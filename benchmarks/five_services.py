"""Five services on a fresh overlay of a real Swarm: Zoe against a bare script.

Each round Zoe sees a new commit that asks for one execution of five services in a new namespace;
then (or before, in turns) the script starts services of the very same specs. Measured: commit
visible until the Swarm has accepted all five, and until all five run. Budgets: 100 ms, and 1.10
times what the script needs.
"""

from __future__ import annotations

import random
import tempfile
from contextlib import closing
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import docker

from benchmarks import bare_services
from benchmarks.on_swarm import Zoe, swarm, zoe
from benchmarks.report import Row, arguments, show

BUDGET_ACCEPTED_MS = 100
BUDGET_RATIO = 1.10
_EXECUTION = """\
apiVersion: zoe/v1
kind: Execution
metadata: {name: five}
spec:
  type: interactive
  services:
"""
_SERVICE = """\
    NAME:
      image: busybox
      command: [sleep, "3600"]
      stop_grace_period: 1s
      resources: {reservations: {cpus: 0.005, memory: 16MiB}}
"""


def execution(services: int) -> str:
    """Return an execution of so many services that sleep."""
    return _EXECUTION + "".join(_SERVICE.replace("NAME", f"s{i}") for i in range(services))


def zoe_round(ours: Zoe, number: int, services: int) -> tuple[float, float, list[dict[str, Any]]]:
    """Return ms until Zoe's services were accepted and until they ran; and the services' specs."""
    with ours.started(f"r{number}", execution(services), services=services) as started:
        running = bare_services.await_running(ours.client, started.ids)
    specs = [service["Spec"] for service in started.services]
    began = started.began
    return (started.accepted - began) * 1000, (running - began) * 1000, specs


def bare_round(
    client: Any, number: int, specs: list[dict[str, Any]], concurrency: int
) -> tuple[float, float]:
    """Return ms until the script's services were accepted, and until they ran."""
    name = f"bare{number}-{random.randrange(10**6)}"
    start = perf_counter()
    ids, accepted = bare_services.start(client, name, specs, concurrency=concurrency)
    running = bare_services.await_running(client, ids)
    bare_services.remove(client, name, ids)
    return (accepted - start) * 1000, (running - start) * 1000


def measure(docker_host: str, folder: Path, *, rounds: int, services: int) -> list[Row]:
    """Return the rows of interleaved rounds; the first one of each warms up and isn't counted."""
    ours: list[tuple[float, float]] = []
    bare: list[tuple[float, float]] = []
    with (
        closing(docker.APIClient(base_url=docker_host, version="auto", timeout=60)) as client,
        zoe(folder, docker_host, client) as there,
    ):
        concurrency = there.loop.concurrency
        _, _, specs = zoe_round(there, 0, services)
        bare_round(client, 0, specs, concurrency)
        for number in range(1, rounds + 1):
            # In turns, so that neither always finds what the other has left behind.
            if number % 2:
                ours.append(zoe_round(there, number, services)[:2])
            bare.append(bare_round(client, number, specs, concurrency))
            if not number % 2:
                ours.append(zoe_round(there, number, services)[:2])
    return _rows(services, ours, bare)


def _rows(
    services: int, ours: list[tuple[float, float]], bare: list[tuple[float, float]]
) -> list[Row]:
    """Return the rows of rounds that are (accepted, running) in ms."""
    accepted, running = (tuple(times) for times in zip(*ours, strict=True))
    bare_accepted, bare_running = (tuple(times) for times in zip(*bare, strict=True))
    return [
        Row(
            name=f"{services} services: commit visible -> accepted",
            rounds_ms=accepted,
            budget_ms=BUDGET_ACCEPTED_MS,
        ),
        Row(name="  bare script: accepted", rounds_ms=bare_accepted),
        Row(
            name=f"{services} services: commit visible -> running",
            rounds_ms=running,
            ratio=median(running) / median(bare_running),
            budget_ratio=BUDGET_RATIO,
        ),
        Row(name="  bare script: running", rounds_ms=bare_running),
    ]


def main() -> None:
    parser = arguments(__doc__, rounds=5)
    parser.add_argument("--docker-host", default="", help="A Swarm's; else a lab is made (root).")
    parser.add_argument("--services", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="zb") as name:
        folder = Path(name)
        with swarm(given.docker_host, folder) as docker_host:
            rows = measure(docker_host, folder, rounds=given.rounds, services=given.services)
    show(rows, output=given.output)


if __name__ == "__main__":
    main()
