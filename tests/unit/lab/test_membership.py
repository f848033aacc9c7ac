"""Nodes as a manager lists them."""

from __future__ import annotations

from typing import Any

from reconciler.cluster.lab.membership import by_hostname


def node(created: str, state: str, *, hostname: str = "") -> dict[str, Any]:
    description = {"Hostname": hostname} if hostname else {}
    return {"CreatedAt": created, "Description": description, "Status": {"State": state}}


def test_a_node_that_has_only_just_joined_has_no_name_yet() -> None:
    listed = [node("2026-01-01T00:00:01Z", "unknown"), node("2026", "ready", hostname="node1")]
    assert by_hostname(listed) == {"node1": "ready"}


def test_a_node_that_came_back_under_a_new_identity_counts_by_that() -> None:
    old, new = (
        node("2026-01-01T00:00:01Z", "down", hostname="node2"),
        node("2026-01-01T00:00:09Z", "ready", hostname="node2"),
    )
    assert by_hostname([new, old]) == {"node2": "ready"}
