"""Elastic replicas on nodes that are away, and cores that never are half a gang."""

from __future__ import annotations

import pytest

from policy.model.execution import Allocation, NodeId
from reconciler.converge.state import ObservedNode
from reconciler.converge.stranded import without_stranded
from tests.builders import interactive, observed_node, service

SPEC = interactive(service(core=2, maximum=6))
LOST, DRAINED = {"is_ready": False}, {"is_active": False}


def placed(**counts: int) -> tuple[Allocation, ...]:
    return tuple(
        Allocation(component="main", node=NodeId(node), count=count)
        for node, count in counts.items()
    )


def nodes(**away: bool) -> dict[NodeId, ObservedNode]:
    found = [observed_node("n1"), observed_node("n2", **away)]
    return {node.id: node for node in found}


@pytest.mark.parametrize("away", [LOST, DRAINED])
def test_elastic_replicas_of_a_node_that_is_away_are_written_off(away: dict[str, bool]) -> None:
    left = without_stranded(SPEC, placed(n1=2, n2=3), (), nodes(**away))
    assert left == placed(n1=2)


def test_a_core_that_is_away_is_left_to_the_attempt() -> None:
    groups = placed(n1=1, n2=3)
    assert without_stranded(SPEC, groups, (), nodes(**LOST)) == groups


def test_a_node_that_left_the_cluster_is_away_too() -> None:
    left = without_stranded(SPEC, placed(n1=2, gone=1), (), nodes())
    assert left == placed(n1=2)


def test_nothing_changes_while_all_nodes_are_up() -> None:
    groups = placed(n1=1, n2=3)
    assert without_stranded(SPEC, groups, (), nodes()) is groups
