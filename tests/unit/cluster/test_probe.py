"""What the doctor says of an engine."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.cluster.fake import fake_node
from reconciler.cluster.probe import (
    Finding,
    examine,
    examine_nodes,
    examine_services,
    parse_api,
)

MANAGER = {"LocalNodeState": "active", "ControlAvailable": True}
WORKER = {"LocalNodeState": "active", "ControlAvailable": False}


def wrong(findings: tuple[Finding, ...]) -> set[str]:
    assert all(bool(finding.remedy) is not finding.is_ok for finding in findings)
    return {finding.code for finding in findings if not finding.is_ok}


@pytest.mark.parametrize(
    ("info", "api", "codes"),
    [
        ({"Swarm": MANAGER}, (1, 44), set()),
        ({"Swarm": MANAGER, "SecurityOptions": ["name=no-new-privileges"]}, (1, 43), set()),
        ({"Swarm": MANAGER}, (1, 41), {"NoNewPrivileges"}),
        ({"Swarm": MANAGER}, (1, 40), {"EngineVersion", "NoNewPrivileges"}),
        ({"Swarm": WORKER}, (1, 44), {"SwarmManager"}),
        ({}, (1, 44), {"SwarmManager"}),
    ],
)
def test_an_engine_is_judged(info: dict[str, Any], api: tuple[int, int], codes: set[str]) -> None:
    assert wrong(examine(info, api)) == codes


def test_api_versions_compare_as_numbers() -> None:
    assert parse_api("1.100") > parse_api("1.44") > parse_api("1.9")


def test_nodes_are_judged() -> None:
    manager, worker = fake_node("m", is_manager=True), fake_node("w")
    assert wrong(examine_nodes([manager, worker])) == set()
    assert wrong(examine_nodes([manager])) == set()
    assert wrong(examine_nodes([manager, fake_node("n", is_manager=True)])) == {"Workers"}


def test_very_many_services_of_others_are_worth_a_word() -> None:
    assert wrong((examine_services(ours=5000, others=3, size_bytes=1),)) == set()
    found = examine_services(ours=3, others=20_000, size_bytes=31_000_000)
    assert wrong((found,)) == {"OtherServices"}
    assert found.message == "20000 of 20003 services aren't Zoe's (31.0 MB a reading)"
