"""What ``zoe explain`` names as a remedy, done as it says, starts the execution."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.e2e.installation import Installation, Json
from tests.e2e.manifests import execution, namespace, path, platform, service, sized

pytestmark = [pytest.mark.swarm, pytest.mark.postgres, pytest.mark.slow]

Doing = Callable[[Json], None]
ON_TIER = service(placement={"constraints": ["node.labels.tier == gold"]})
ON_NODE3 = service(placement={"constraints": ["node.hostname == node3"]})


def _start(installation: Installation, name: str, kind: str, do: Doing) -> None:
    """Let a waiting execution start by doing what is told of one kind of remedy, and no more."""
    told = json.loads(installation.zoe("explain", name, "-o", "json"))
    assert told["line"]["state"] == "Queued"
    fixes = told["waiting"]["remedies"]
    changes = [fix["changes"] for fix in fixes]
    remedies = [only for only, *more in changes if not more and only["kind"] == kind]
    assert remedies, f"{name}: no {kind} among {[fix['told'] for fix in fixes]}"
    do(remedies[0])
    installation.wait_until(
        lambda: installation.status(name)["phase"] == "Running", what=remedies[0]["told"]
    )


def _await_queued(installation: Installation, *names: str) -> None:
    installation.wait_until(
        lambda: {installation.status(name).get("phase") for name in names} == {"Queued"},
        what=f"{names} to wait",
    )


def test_what_the_operator_can_do(installation: Installation) -> None:
    installation.start()
    docker = installation.swarm.docker

    def raise_quota(told: Json) -> None:
        quota = namespace(told["namespace"], quota={told["bound"]: told["amount"]})
        installation.push({f"namespaces/{told['namespace']}.yaml": quota})

    def uncordon(told: Json) -> None:
        docker("node", "update", "--availability", "active", told["hostname"])

    labelled: list[str] = []

    def label(told: Json) -> None:
        pairs = [f"--label-add={name}={value}" for name, value in told["labels"]]
        docker("node", "update", *pairs, told["hostname"])
        labelled.append(told["hostname"])

    with installation.drained("node3"):
        installation.push(
            {
                "namespaces/bio.yaml": namespace("bio", quota={"executions": 1}),
                path("first", "bio"): execution("first"),
                path("second", "bio"): execution("second"),
                path("tier"): execution("tier", {"main": ON_TIER}),
                path("cordoned"): execution("cordoned", {"main": ON_NODE3}),
            }
        )
        _await_queued(installation, "bio/second", "aml/tier", "aml/cordoned")
        _start(installation, "bio/second", "quota", raise_quota)
        try:
            _start(installation, "aml/tier", "label-node", label)
        finally:
            for hostname in labelled:
                docker("node", "update", "--label-rm", "tier", hostname)
        _start(installation, "aml/cordoned", "open-node", uncordon)


def test_what_the_author_and_those_ahead_can_do(installation: Installation) -> None:
    installation.start()
    in_order = {"platform.yaml": platform(policy="fifo-flexible")}
    installation.push({**in_order, path("holder"): sized("holder", 2)})
    installation.await_phases({"aml/holder": "Running"})
    for name, core in (("ahead", 3), ("late", 1), ("later", 1)):
        installation.push({path(name): sized(name, core)})
        _await_queued(installation, f"aml/{name}")

    def prefer(told: Json) -> None:
        installation.push({path("late"): sized("late", 1, priority=told["name"])})

    def withdraw(told: Json) -> None:
        assert told["names"] == ["aml/ahead"]
        installation.push({path("ahead"): None})

    _start(installation, "aml/late", "priority", prefer)
    assert installation.phases()["aml/later"] == "Queued"
    _start(installation, "aml/later", "withdraw", withdraw)
