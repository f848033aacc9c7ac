"""What nodes have reserved while a test runs, by the engine's own account of its tasks."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

import docker

from tests.fixtures.swarm import Swarm

PERIOD_S = 0.05
_HOLDS_NOTHING = {"complete", "shutdown", "failed", "rejected", "remove", "orphaned"}


@contextmanager
def never_overfull(swarm: Swarm) -> Iterator[None]:
    """Fail unless, all the time, every replica that was asked for had room on its node.

    Swarm itself never overfills a node: a replica that came too early is one that it leaves
    pending, and says so.
    """
    watch = _Watch(swarm)
    watch.start()
    try:
        yield
    finally:
        watch.end()
    assert watch.samples > 1
    assert not watch.faults, "\n".join(sorted(watch.faults))


class _Watch(threading.Thread):
    """Looks at all tasks again and again, through a connection of its own."""

    def __init__(self, swarm: Swarm) -> None:
        super().__init__(daemon=True)
        self.faults: set[str] = set()
        self.samples = 0
        self._host = swarm.docker_host
        self._is_over = threading.Event()

    def run(self) -> None:
        with closing(docker.APIClient(self._host, version="auto")) as client:
            nodes = {node["ID"]: node for node in client.nodes()}
            while not self._is_over.wait(PERIOD_S):
                self.faults |= set(_faults(client.tasks(), nodes))
                self.samples += 1

    def end(self) -> None:
        self._is_over.set()
        self.join(10)


def _faults(tasks: list[Any], nodes: Mapping[str, Any]) -> Iterator[str]:
    held: Counter[str] = Counter()
    for task in tasks:
        status = task["Status"]
        if status["State"] in _HOLDS_NOTHING:
            continue
        if "insufficient resources" in status.get("Err", ""):
            yield f"left pending: {status['Err']} {task['Spec'].get('Placement')} {task['DesiredState']}"
        reserved = task["Spec"].get("Resources", {}).get("Reservations", {})
        held[task.get("NodeID", "")] += reserved.get("NanoCPUs", 0)
    for id_, node in nodes.items():
        description = node["Description"]
        if held[id_] > description["Resources"]["NanoCPUs"]:
            yield f"{description['Hostname']} holds {held[id_]}"
