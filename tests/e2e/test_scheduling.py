"""Who starts, grows, yields and waits on a real Swarm: two workers, of two replicas each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.installation import Installation
from tests.e2e.manifests import HALF_MILLIS, QUICK, STAYS, execution, path, replicas, sized
from tests.e2e.room import never_overfull
from tests.fixtures.swarm import Swarm

pytestmark = [pytest.mark.swarm, pytest.mark.postgres, pytest.mark.slow]

FOREIGN = "somebody-elses"
STACK = """\
version: "3.8"
services:
  web:
    image: IMAGE
    command: [sleep, "86400"]
    stop_grace_period: 1s
    deploy:
      replicas: 2
      placement: {constraints: [node.role == worker], max_replicas_per_node: 1}
      resources: {reservations: {cpus: "CPUS", memory: 16M}}
"""


def test_a_gang_that_doesnt_fit_waits_whole_and_says_what_each_node_lacks(
    installation: Installation,
) -> None:
    installation.start()
    installation.push({path("holder"): sized("holder", 3)})
    installation.await_phases({"aml/holder": "Running"})
    gang = execution("gang", {"server": replicas(1), "worker": replicas(2)})
    with never_overfull(installation.swarm), installation.watching() as created:
        installation.push({path("gang"): gang})
        installation.await_phases({"aml/holder": "Running", "aml/gang": "Queued"})
        status = installation.status("aml/gang")
        assert (status["reason"], status["position"]) == ("NoCapacity", 1)
        manager, *workers = sorted(status["refusals"])
        assert manager.startswith("node1: worker is a manager")
        assert [no.split()[0] for no in workers] == ["node2:", "node3:"]
        assert all("0 CPUs free" in no for no in workers)
        # What fits passes it; of the gang itself there is nothing, though half of it would fit.
        installation.push({path("small"): sized("small", 1)})
        installation.wait_until(
            lambda: installation.phases().get("aml/small") == "Running", what="small to run"
        )
        assert installation.services_of("gang") == []
        installation.push({path("holder"): None})
        installation.await_phases(
            {"aml/holder": "Stopped", "aml/gang": "Running", "aml/small": "Running"}
        )
    assert len(installation.running_tasks("gang")) == 3
    assert created[0].startswith("small-"), "the gang's were created when there was room"


def test_a_newcomers_core_takes_a_fillers_room_and_elastic_replicas_and_both_come_back(
    installation: Installation,
) -> None:
    installation.start()
    wide = execution("wide", {"main": replicas(1, 3, **STAYS)})
    filler = sized("filler", 1, type_="batch", priority="filler")
    both = {"aml/wide": "Running", "aml/filler": "Running"}
    with never_overfull(installation.swarm):
        installation.push({**QUICK, path("wide"): wide, path("filler"): filler})
        installation.wait_until(lambda: installation.part("aml/wide") == (3, 3), what="growth")
        installation.await_phases(both)
        grown = installation.running_tasks("wide")
        queued_at = installation.status("aml/filler")["queuedAt"]

        installation.push({path("newcomer"): sized("newcomer", 2)})
        installation.wait_until(
            lambda: installation.status("aml/newcomer").get("reason") == "MakingRoom",
            what="the newcomer to wait until others have left",
        )
        # Once they are told to stop, the next pass no longer says whose tasks they are.
        message = installation.status("aml/newcomer")["message"]
        assert re.search(r"waits until .+ (of aml/wide|being stopped) .+ gone from node", message)
        installation.await_phases({**both, "aml/filler": "Queued", "aml/newcomer": "Running"})
        assert installation.part("aml/wide") == (2, 2)
        kept = installation.running_tasks("wide")
        assert kept.items() < grown.items(), "what stays isn't restarted"
        assert len(installation.running_tasks("newcomer")) == 2
        assert installation.running_tasks("filler") == {}
        status = installation.status("aml/filler")
        assert (status["reason"], status["queuedAt"]) == ("FillerWaits", queued_at)

        installation.push({path("newcomer"): None})
        installation.wait_until(lambda: installation.part("aml/wide") == (3, 3), what="regrowth")
        installation.await_phases({**both, "aml/newcomer": "Stopped"})
    assert kept.items() < installation.running_tasks("wide").items()
    assert installation.status("aml/wide")["attempt"] == 1
    status = installation.status("aml/filler")
    assert (status["attempt"], status["queuedAt"]) == (2, queued_at)
    assert "made room for aml/newcomer" in installation.zoe("events", "aml/filler")


@pytest.fixture
def foreign(swarm: Swarm, tmp_path: Path) -> Iterator[str]:
    """A stack that somebody else deployed: half of each worker."""
    file = tmp_path / "stack.yaml"
    cpus = f"{HALF_MILLIS / 1000:.3f}"
    file.write_text(STACK.replace("IMAGE", swarm.image).replace("CPUS", cpus))
    swarm.docker("stack", "deploy", "--resolve-image=never", "-c", str(file), FOREIGN)
    yield FOREIGN
    swarm.docker("stack", "rm", FOREIGN)


@contextmanager
def untouched(engine: Any, stack: str) -> Iterator[None]:
    """Fail if anything of a stack is written to meanwhile."""

    def state() -> Any:
        label = {"label": f"com.docker.stack.namespace={stack}"}
        return (
            {s["ID"]: s["Version"] for s in engine.services(filters=label)},
            {t["ID"]: t["DesiredState"] for t in engine.tasks(filters=label)},
            {n["Id"] for n in engine.networks(filters=label) if n["Scope"] == "swarm"},
        )

    before = state()
    assert all(before)
    yield
    assert state() == before


def test_a_foreign_stack_counts_and_isnt_touched(
    installation: Installation, foreign: str, engine: Any
) -> None:
    installation.start()
    label = {"label": f"com.docker.stack.namespace={foreign}", "desired-state": "running"}
    installation.wait_until(
        lambda: [t["Status"]["State"] for t in engine.tasks(filters=label)] == ["running"] * 2,
        what="the foreign stack",
    )
    with untouched(engine, foreign), never_overfull(installation.swarm):
        installation.push({path("wide"): sized("wide", 1, 4)})
        installation.wait_until(lambda: installation.part("aml/wide") == (2, 2), what="growth")
        installation.push({path("gang"): sized("gang", 2)})
        installation.await_phases({"aml/wide": "Running", "aml/gang": "Queued"})
        assert installation.status("aml/gang")["reason"] == "NoCapacity"
        assert installation.part("aml/wide") == (2, 2)
    installation.swarm.docker("service", "scale", "--detach", f"{foreign}_web=0")
    installation.await_phases({"aml/wide": "Running", "aml/gang": "Running"})
