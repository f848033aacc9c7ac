"""Nodes that are drained or die, under executions with elastic parts and under gangs."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.e2e.installation import Installation
from tests.e2e.manifests import QUICK, path, sized
from tests.e2e.room import never_overfull

pytestmark = [pytest.mark.swarm, pytest.mark.postgres, pytest.mark.slow]

WORKERS = {"node2", "node3"}


def _hosts(installation: Installation, execution: str) -> list[str]:
    """Return the hostnames of the nodes that replicas run on, by the engine's account."""
    names = {n["ID"]: n["Description"]["Hostname"] for n in installation.engine.nodes()}
    return sorted(names[node] for node in installation.running_tasks(execution).values())


def _spread(installation: Installation) -> Counter[str]:
    """Return how many replicas of ``wide`` each node runs."""
    return Counter(_hosts(installation, "wide"))


def test_of_a_drained_node_elastic_replicas_move_and_a_core_comes_back_elsewhere(
    installation: Installation,
) -> None:
    installation.start()
    installation.push({**QUICK, path("wide"): sized("wide", 1, 2)})
    installation.wait_until(lambda: _spread(installation) == Counter(WORKERS), what="growth")
    drained, kept = sorted(WORKERS)
    with never_overfull(installation.swarm):
        with installation.drained(drained):
            installation.wait_until(
                lambda: _spread(installation) == {kept: 2}, what="an elastic replica to move"
            )
        installation.push({path("solo"): sized("solo", 1)})
        installation.await_phases({"aml/solo": "Running", "aml/wide": "Running"})
        assert _hosts(installation, "solo") == [drained]
        with installation.drained(drained):
            installation.wait_until(
                lambda: _hosts(installation, "solo") == [kept], what="a core to come back"
            )
            installation.await_phases({"aml/solo": "Running", "aml/wide": "Running"})
            assert _spread(installation) == {kept: 1}
            assert f"its node {drained} is drained" in installation.zoe("events", "aml/solo")
        installation.wait_until(lambda: _spread(installation) == Counter(WORKERS), what="regrowth")
    attempts = {n: installation.status(f"aml/{n}")["attempt"] for n in ("solo", "wide")}
    assert attempts == {"solo": 2, "wide": 1}


def test_a_gang_that_loses_a_node_waits_whole_and_comes_back_whole(
    installation: Installation,
) -> None:
    """A gang below its core that keeps its place would hold room for ever (Volcano #5805)."""
    installation.start()
    with never_overfull(installation.swarm):
        installation.push({path("gang"): sized("gang", 3)})
        installation.await_phases({"aml/gang": "Running"})
        installation.push({path("single"): sized("single", 1)})
        installation.await_phases({"aml/gang": "Running", "aml/single": "Running"})
        (lost,) = _hosts(installation, "single")
        queued_at = installation.status("aml/gang")["queuedAt"]
        with installation.killed(lost):
            installation.await_phases({"aml/gang": "Queued", "aml/single": "Running"})
            assert _hosts(installation, "single") == sorted(WORKERS - {lost})
            gang = installation.status("aml/gang")
            assert (gang["reason"], gang["queuedAt"]) == ("NoCapacity", queued_at)
            assert f"{lost}: main is down (state)" in gang["refusals"]
            assert f"its node {lost} is lost" in installation.zoe("events", "aml/gang")
        installation.await_phases({"aml/gang": "Running", "aml/single": "Running"})
    for name, replicas in (("gang", 3), ("single", 1)):
        assert installation.status(f"aml/{name}")["attempt"] == 2
        assert len(installation.running_tasks(name)) == replicas
    assert len(installation.running_tasks()) == 4, "nothing stays behind on the node"
