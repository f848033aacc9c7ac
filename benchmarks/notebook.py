"""One manifest committed -> its notebook answers over HTTP: Zoe against a bare script.

Each round Zoe sees a new commit that asks for a notebook in a new namespace; then (or before, in
turns) the script makes a network and starts a service of the very same spec on it. Both ask the
Swarm which port of the node the notebook got, and that port for a page until it answers. Budget:
1.10 times what the script needs.

The notebook is JupyterLab's image by its recipe; ``--image`` and ``--command`` start another one,
such as busybox's httpd, which starts so fast that little else than the starting is left.
"""

from __future__ import annotations

import http.client
import json
import random
import shlex
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import docker

from benchmarks import bare_services
from benchmarks.on_swarm import Zoe, swarm, zoe
from benchmarks.report import Row, arguments, show
from reconciler.cluster.lab import recipe

BUDGET_RATIO = 1.10
PORT = 8888
_POLL_S = 0.005
_EXECUTION = """\
apiVersion: zoe/v1
kind: Execution
metadata: {name: notebook}
spec:
  type: interactive
  services:
    notebook:
      image: IMAGE
      command: COMMAND
      ports: [{name: page, target: PORT, app_protocol: http}]
      stop_grace_period: 1s
      resources: {reservations: {cpus: 0.2, memory: 512MiB}}
"""


def await_page(client: Any, service: str) -> float:
    """Wait until a service's page answers; return when that was.

    Raises:
        TimeoutError: It doesn't; says what the Swarm tells of its tasks.
    """
    pause, until = threading.Event(), perf_counter() + bare_services.LONGEST_S
    while perf_counter() < until:
        tasks = client.tasks(filters={"service": service})
        if any(_answers(*at) for task in tasks for at in _addresses(client, task)):
            return perf_counter()
        pause.wait(_POLL_S)
    raise TimeoutError(json.dumps([task["Status"] for task in tasks], default=str))


def _addresses(client: Any, task: dict[str, Any]) -> Iterator[tuple[str, int]]:
    ports = task["Status"].get("PortStatus", {}).get("Ports", ())
    if ports and task["Status"]["State"] == "running":
        node = client.inspect_node(task["NodeID"])
        yield from ((node["Status"]["Addr"], port["PublishedPort"]) for port in ports)


def _answers(host: str, port: int) -> bool:
    """Tell whether a page is there, whatever it says."""
    with closing(http.client.HTTPConnection(host, port, timeout=10)) as connection:
        try:
            connection.request("GET", "/api")
            return connection.getresponse().status < http.client.INTERNAL_SERVER_ERROR
        except (OSError, http.client.HTTPException):
            return False


def zoe_round(ours: Zoe, number: int, text: str) -> tuple[float, dict[str, Any]]:
    """Return ms until Zoe's notebook answered, and the spec of its service."""
    with ours.started(f"r{number}", text, services=1) as started:
        reached = await_page(ours.client, started.ids[0])
    return (reached - started.began) * 1000, started.services[0]["Spec"]


def bare_round(client: Any, number: int, spec: dict[str, Any]) -> float:
    """Return ms until the script's notebook answered."""
    name = f"bare{number}-{random.randrange(10**6)}"
    start = perf_counter()
    ids, _ = bare_services.start(client, name, [spec], concurrency=1)
    reached = await_page(client, ids[0])
    bare_services.remove(client, name, ids)
    return (reached - start) * 1000


def measure(docker_host: str, folder: Path, text: str, *, rounds: int) -> list[Row]:
    """Return the rows of interleaved rounds; the first one of each warms up and isn't counted."""
    ours: list[float] = []
    bare: list[float] = []
    with (
        closing(docker.APIClient(base_url=docker_host, version="auto", timeout=60)) as client,
        zoe(folder, docker_host, client) as there,
    ):
        _, spec = zoe_round(there, 0, text)
        bare_round(client, 0, spec)
        for number in range(1, rounds + 1):
            # In turns, so that neither always finds what the other has left behind.
            if number % 2:
                ours.append(zoe_round(there, number, text)[0])
            bare.append(bare_round(client, number, spec))
            if not number % 2:
                ours.append(zoe_round(there, number, text)[0])
    return [
        Row(
            name="one notebook: commit visible -> it answers",
            rounds_ms=tuple(ours),
            ratio=median(ours) / median(bare),
            budget_ratio=BUDGET_RATIO,
        ),
        Row(name="  bare script: it answers", rounds_ms=tuple(bare)),
    ]


def main() -> None:
    parser = arguments(__doc__, rounds=7)
    parser.add_argument("--docker-host", default="", help="A Swarm's; else a lab is made (root).")
    parser.add_argument("--recipe", default="jupyter", help="of the lab's image")
    parser.add_argument("--image", default="", help="what to start; default: the recipe's")
    parser.add_argument("--command", default="start-notebook.py", help=f"serves port {PORT}")
    given = parser.parse_args()
    image = given.image or recipe.read(recipe.locate(given.recipe)).tags[0]
    text = _EXECUTION.replace("IMAGE", image).replace("PORT", str(PORT))
    text = text.replace("COMMAND", json.dumps(shlex.split(given.command)))
    with tempfile.TemporaryDirectory(prefix="zb") as name:
        folder = Path(name)
        with swarm(given.docker_host, folder, image=given.recipe) as docker_host:
            rows = measure(docker_host, folder, text, rounds=given.rounds)
    show(rows, output=given.output)


if __name__ == "__main__":
    main()
