"""What nodes have reserved while a test runs, by the engine's own account of its tasks."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
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
    """Looks at nodes and tasks again and again, through a connection of its own."""

    def __init__(self, swarm: Swarm) -> None:
        super().__init__(daemon=True)
        self.faults: set[str] = set()
        self.samples = 0
        self._host = swarm.docker_host
        self._is_over = threading.Event()
        self._were_away: set[str] = set()

    def run(self) -> None:
        with closing(docker.APIClient(self._host, version="auto")) as client:
            while not self._is_over.wait(PERIOD_S):
                self._look(client.nodes(), client.tasks())
                self.samples += 1

    def end(self) -> None:
        self._is_over.set()
        self.join(10)

    def _look(self, nodes: list[Any], tasks: list[Any]) -> None:
        self._were_away |= {node["ID"] for node in nodes if _is_away(node)}
        held: Counter[str] = Counter()
        for task in tasks:
            if task["Status"]["State"] in _HOLDS_NOTHING:
                continue
            held[task.get("NodeID", "")] += _cpus(task)
            error = task["Status"].get("Err", "")
            # Swarm itself asks again for what ran on a node that it drains.
            if "insufficient resources" in error and not _nodes(task) & self._were_away:
                self.faults.add(f"left pending on {_nodes(task)}: {error}")
        for node in nodes:
            description = node["Description"]
            if held[node["ID"]] > description["Resources"]["NanoCPUs"]:
                self.faults.add(f"{description['Hostname']} holds {held[node['ID']]}")


def _is_away(node: Any) -> bool:
    return node["Status"]["State"] != "ready" or node["Spec"]["Availability"] != "active"


def _cpus(task: Any) -> int:
    reserved = task["Spec"].get("Resources", {}).get("Reservations", {})
    return int(reserved.get("NanoCPUs", 0))


def _nodes(task: Any) -> set[str]:
    """Return the node that a task is pinned to."""
    constraints = task["Spec"].get("Placement", {}).get("Constraints") or []
    return {text.partition("==")[2] for text in constraints if text.startswith("node.id==")}
