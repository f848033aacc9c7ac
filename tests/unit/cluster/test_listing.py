"""What the API lists, read into our terms."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from policy.model.resources import Resources
from reconciler.cluster.listing import from_stamp, observed_node, observed_task
from reconciler.converge.state import ObservedPort


def task(state: str, **status: Any) -> dict[str, Any]:
    reservations = {
        "NanoCPUs": 100_000_001,
        "GenericResources": [
            {"NamedResourceSpec": {"Kind": "gpu", "Value": "0"}},
            {"NamedResourceSpec": {"Kind": "gpu", "Value": "1"}},
            {"DiscreteResourceSpec": {"Kind": "disk", "Value": 3}},
        ],
    }
    return {
        "ID": "t",
        "ServiceID": "s",
        "Slot": 1,
        "DesiredState": "running",
        "Spec": {"Resources": {"Reservations": reservations}},
        "Status": {"State": state, **status},
    }


@pytest.mark.parametrize(
    ("text", "micros"),
    [
        ("2026-11-22T00:36:07.95116158Z", 951_000),
        ("2026-11-22T00:36:07.9Z", 900_000),
        ("2026-11-22T00:36:07Z", 0),
        ("2026-11-22T02:36:07.123456789+02:00", 123_000),
    ],
)
def test_stamps_are_utc_and_cut_to_milliseconds(text: str, micros: int) -> None:
    assert from_stamp(text) == datetime(2026, 11, 22, 0, 36, 7, micros, tzinfo=UTC)


def test_a_stamp_that_is_missing_is_long_ago() -> None:
    assert from_stamp(None) == from_stamp("") == datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("state", ["new", "pending", "preparing", "running"])
def test_a_task_holds_its_room_until_it_ends(state: str) -> None:
    held = observed_task(task(state)).reservations
    assert held == Resources.of(cpu_millis=101, generic=[("gpu", 2), ("disk", 3)])


@pytest.mark.parametrize("state", ["complete", "failed", "shutdown", "rejected", "orphaned"])
def test_an_ended_task_holds_nothing(state: str) -> None:
    assert observed_task(task(state)).reservations == Resources()


def test_an_exit_code_needs_a_container_that_ended() -> None:
    container = {"ContainerStatus": {"ContainerID": "c", "ExitCode": 0}}
    assert observed_task(task("running", **container)).exit_code is None
    assert observed_task(task("complete", **container)).exit_code == 0
    assert observed_task(task("failed", ContainerStatus={"ExitCode": 0})).exit_code is None
    assert observed_task(task("rejected", **container)).exit_code is None


def test_a_hostile_error_text_is_one_short_line() -> None:
    error = observed_task(task("failed", Err="\x1b[2J\n" + "x" * 9999)).error
    assert error.startswith("\\x1b[2J")
    assert len(error) <= 500


def test_host_ports_are_listed_once_and_in_order() -> None:
    def port(number: int, mode: str = "host") -> dict[str, Any]:
        return {
            "Protocol": "tcp",
            "TargetPort": number,
            "PublishedPort": number + 30_000,
            "PublishMode": mode,
        }

    ports = [port(81), port(80), port(81), port(80), port(90, "ingress")]
    seen = observed_task(task("running", PortStatus={"Ports": ports})).host_ports
    assert seen == (
        ObservedPort(target=80, published=30_080, protocol="tcp"),
        ObservedPort(target=81, published=30_081, protocol="tcp"),
    )


def test_a_node_is_read_with_whole_milli_cpus() -> None:
    node = observed_node(
        {
            "ID": "n",
            "UpdatedAt": "2026-11-22T00:36:07Z",
            "Spec": {"Role": "manager", "Availability": "drain", "Labels": {"tier": "gpu"}},
            "Status": {"State": "ready", "Addr": "0.0.0.0"},
            "ManagerStatus": {"Addr": "10.0.0.1:2377"},
            "Description": {
                "Hostname": "box",
                "Platform": {"OS": "linux", "Architecture": "x86_64"},
                "Resources": {"NanoCPUs": 1_999_999_999, "MemoryBytes": 1024},
                "Engine": {"EngineVersion": "20.10.24", "Labels": {"rack": "1"}},
            },
        }
    )
    assert node.capacity == Resources(cpu_millis=1999, memory_bytes=1024)
    assert (node.address, node.is_manager, node.is_ready, node.is_active) == (
        "10.0.0.1",
        True,
        True,
        False,
    )
    assert (node.labels, node.engine_labels) == ({"tier": "gpu"}, {"rack": "1"})


def test_a_node_that_never_reported_has_no_room() -> None:
    node = observed_node({"ID": "n"})
    assert (node.capacity, node.is_ready, node.is_active) == (Resources(), False, False)


@pytest.mark.parametrize(
    ("state", "is_ready"),
    [("ready", True), ("unknown", True), ("down", False), ("disconnected", False)],
)
def test_a_node_that_a_new_leader_has_not_heard_of_yet_is_not_lost(
    state: str, *, is_ready: bool
) -> None:
    """A manager's restart ended every attempt: for a second it listed all nodes as unknown."""
    assert observed_node({"ID": "n", "Status": {"State": state}}).is_ready is is_ready


@pytest.mark.parametrize(
    ("state", "message", "is_heard"),
    [
        ("ready", "", True),
        ("unknown", 'Node moved to "unknown" state due to leadership change in cluster', False),
        ("down", "heartbeat failure", True),
        ("down", 'heartbeat failure for node in "unknown" state', False),
    ],
)
def test_a_node_that_was_lost_is_told_from_one_that_never_called(
    state: str, message: str, *, is_heard: bool
) -> None:
    """The words of a real manager: after it had been away, it called workers down that went on."""
    status = {"State": state, "Message": message}
    assert observed_node({"ID": "n", "Status": status}).is_heard is is_heard
