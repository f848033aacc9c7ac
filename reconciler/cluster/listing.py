"""What the Docker API lists (nodes, tasks, files, services) as Observed values. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from policy.model.execution import NodeId
from policy.model.resources import NOTHING, Resources
from reconciler.cluster.amounts import from_amounts
from reconciler.cluster.dictionary import Kind, NameOf
from reconciler.cluster.text import one_line
from reconciler.cluster.translate import from_service
from reconciler.converge.state import (
    ObservedFile,
    ObservedNetwork,
    ObservedNode,
    ObservedPort,
    ObservedService,
    ObservedTask,
    TaskState,
)

_STILL_HOLDS_ROOM = frozenset(
    {
        TaskState.NEW,
        TaskState.ALLOCATED,
        TaskState.PENDING,
        TaskState.ASSIGNED,
        TaskState.ACCEPTED,
        TaskState.PREPARING,
        TaskState.READY,
        TaskState.STARTING,
        TaskState.RUNNING,
    }
)
_HAS_EXITED = frozenset({TaskState.COMPLETE, TaskState.SHUTDOWN, TaskState.FAILED})
_EPOCH = datetime.fromtimestamp(0, tz=UTC)


def from_stamp(text: str | None) -> datetime:
    """Return an engine's time stamp in UTC, cut to milliseconds; the epoch where there is none."""
    if not text:
        return _EPOCH
    at = datetime.fromisoformat(text).astimezone(UTC)
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def observed_service(data: Mapping[str, Any], *, name_of: NameOf) -> ObservedService:
    """Return a listed service of ours."""
    return ObservedService(
        id=data["ID"],
        version=data["Version"]["Index"],
        spec=from_service(data["Spec"], name_of=name_of),
        created_at=from_stamp(data.get("CreatedAt")),
        update_state=(data.get("UpdateStatus") or {}).get("State", ""),
    )


def observed_task(data: Mapping[str, Any]) -> ObservedTask:
    """Return a listed task.

    Its reservations count until it has ended, whatever is desired of it: that is when Swarm
    gives the room to others. The engine says ``ExitCode: 0`` of tasks that never ran; those
    have none here.
    """
    status = data.get("Status") or {}
    state = TaskState(status.get("State", TaskState.NEW))
    container = status.get("ContainerStatus") or {}
    has_exited = state in _HAS_EXITED and bool(container.get("ContainerID"))
    return ObservedTask(
        id=data["ID"],
        service_id=data.get("ServiceID", ""),
        node=NodeId(data["NodeID"]) if data.get("NodeID") else None,
        slot=data.get("Slot", 0),
        state=state,
        desired_state=TaskState(data.get("DesiredState", TaskState.NEW)),
        created_at=from_stamp(data.get("CreatedAt")),
        updated_at=from_stamp(status.get("Timestamp") or data.get("UpdatedAt")),
        error=one_line(status.get("Err", "")),
        exit_code=container.get("ExitCode", 0) if has_exited else None,
        container=container.get("ContainerID", ""),
        reservations=_reservations(data) if state in _STILL_HOLDS_ROOM else NOTHING,
        host_ports=_host_ports(status.get("PortStatus") or {}),
        addresses=_addresses(data.get("NetworksAttachments") or ()),
    )


# After a manager's restart, and after every election, all nodes are "unknown" until they have
# called the new leader, for seconds. The Swarm itself moves nothing before it says "down".
_MAY_BE_THERE = frozenset({"ready", "unknown"})
# What it says of one that hadn't called by then, which is down from now on.
_UNHEARD = 'node in "unknown" state'


def observed_node(data: Mapping[str, Any]) -> ObservedNode:
    """Return a listed node. Its address is where host ports answer, also on a manager."""
    spec = data.get("Spec") or {}
    status = data.get("Status") or {}
    description = data.get("Description") or {}
    engine = description.get("Engine") or {}
    platform = description.get("Platform") or {}
    return ObservedNode(
        id=NodeId(data["ID"]),
        hostname=description.get("Hostname", ""),
        address=_address(data, status),
        capacity=to_capacity(description.get("Resources") or {}),
        labels=dict(spec.get("Labels") or {}),
        engine_labels=dict(engine.get("Labels") or {}),
        os=platform.get("OS", ""),
        architecture=platform.get("Architecture", ""),
        is_manager=spec.get("Role") == "manager",
        is_ready=status.get("State") in _MAY_BE_THERE,
        is_active=spec.get("Availability") == "active",
        updated_at=from_stamp(data.get("UpdatedAt")),
        engine_version=engine.get("EngineVersion", ""),
        is_heard=not (status.get("State") == "unknown" or _UNHEARD in status.get("Message", "")),
    )


def to_capacity(data: Mapping[str, Any]) -> Resources:
    """Return what a node has; a part of a milli-CPU counts as none."""
    whole = (data.get("NanoCPUs") or 0) // 1_000_000 * 1_000_000
    return from_amounts({**data, "NanoCPUs": whole})


def observed_network(data: Mapping[str, Any]) -> ObservedNetwork:
    """Return a listed network."""
    return ObservedNetwork(
        id=data["Id"],
        name=data["Name"],
        labels=dict(data.get("Labels") or {}),
        created_at=from_stamp(data.get("Created")),
    )


def observed_file(data: Mapping[str, Any]) -> ObservedFile:
    """Return a listed config or secret, without its content."""
    spec = data["Spec"]
    return ObservedFile(
        id=data["ID"],
        name=spec["Name"],
        labels=dict(spec.get("Labels") or {}),
        created_at=from_stamp(data.get("CreatedAt")),
    )


def ids_by_name(
    networks: Sequence[Mapping[str, Any]] = (),
    configs: Sequence[Mapping[str, Any]] = (),
    secrets: Sequence[Mapping[str, Any]] = (),
) -> dict[tuple[Kind, str], str]:
    """Return the ids of what services refer to, by kind and name."""
    ids = {(Kind.NETWORK, item["Name"]): str(item["Id"]) for item in networks}
    ids |= {(Kind.CONFIG, item["Spec"]["Name"]): str(item["ID"]) for item in configs}
    ids |= {(Kind.SECRET, item["Spec"]["Name"]): str(item["ID"]) for item in secrets}
    return ids


def _reservations(data: Mapping[str, Any]) -> Resources:
    resources = (data.get("Spec") or {}).get("Resources") or {}
    return from_amounts(resources.get("Reservations") or {})


def _host_ports(data: Mapping[str, Any]) -> tuple[ObservedPort, ...]:
    # Each is listed for IPv4 and again for IPv6, in any order.
    ports = {
        ObservedPort(
            target=item.get("TargetPort", 0),
            published=item.get("PublishedPort", 0),
            protocol=item.get("Protocol", ""),
        )
        for item in data.get("Ports") or ()
        if item.get("PublishMode") == "host"
    }
    return tuple(sorted(ports, key=lambda port: (port.target, port.protocol, port.published)))


def _addresses(attachments: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    found = (text for item in attachments for text in item.get("Addresses") or ())
    return tuple(text.partition("/")[0] for text in found)


def _address(data: Mapping[str, Any], status: Mapping[str, Any]) -> str:
    address = str(status.get("Addr") or "")
    if address not in ("", "0.0.0.0", "127.0.0.1"):  # noqa: S104 - compared, not bound
        return address
    # Seen on a manager of one: the address that it advertises is the better answer.
    manager = str((data.get("ManagerStatus") or {}).get("Addr") or "")
    return manager.rpartition(":")[0].strip("[]") or address
