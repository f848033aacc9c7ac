"""ServiceSpec as a Docker API dictionary and back. Pure.

Every dictionary is built here, key by key, from fields that we know: nothing of a manifest is
ever merged into one. Reading is the inverse of writing on everything that we set, and blind to
what the daemon adds, so that a service's digest is the same before and after a round trip.
Whatever somebody changed by hand must come back as a *different* spec, even where our types
have no word for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from enum import StrEnum
from typing import Any

from policy.model.execution import NodeId
from policy.model.resources import Resources
from reconciler.converge.state import (
    LABEL_APPLIED_HASH,
    FileReference,
    HealthProbe,
    Mount,
    NetworkAttachment,
    ProcessLimit,
    PublishedPort,
    Restart,
    RestartCondition,
    ServiceSpec,
)
from reconciler.errors import ActionFailed

Json = dict[str, Any]
ApiVersion = tuple[int, int]


class Kind(StrEnum):
    """What a service names and the API wants by id."""

    NETWORK = "network"
    CONFIG = "config"
    SECRET = "secret"  # noqa: S105 - a word, not one of them


IdOf = Callable[[Kind, str], str]
"""Name to id. Raises Missing where there is no such object."""

NameOf = Callable[[Kind, str], str | None]
"""Id to name; None where the id isn't known."""

OLDEST_API: ApiVersion = (1, 41)
"""Below it the engine drops ulimits, capabilities and the pids limit without a word."""

NO_NEW_PRIVILEGES_API: ApiVersion = (1, 44)
_NANOS_PER_MILLI = 1_000_000
_UPDATE_MONITOR_MS = 5_000
_NODE_CONSTRAINT = "node.id"
_LOG_DRIVER = "json-file"
_NEVER_SET = -1  # a number that no spec of ours holds: shows up as drift


def to_service(spec: ServiceSpec, *, id_of: IdOf, api: ApiVersion = OLDEST_API) -> Json:
    """Return the body of services/create (and of update) for ``spec``, labelled with its digest.

    Raises:
        Missing: From ``id_of``.
        ActionFailed: The spec holds something that the API can't carry, or wouldn't give back
            as it was: it would look changed by hand for ever.
    """
    body: Json = {
        "Name": spec.name,
        "Labels": {**spec.labels, LABEL_APPLIED_HASH: spec.applied_hash},
        "Mode": {"Replicated": {"Replicas": spec.replicas}},
        "TaskTemplate": {
            "ContainerSpec": _to_container(spec, id_of, api),
            "Resources": _to_resources(spec),
            "RestartPolicy": _to_restart(spec.restart),
            "Placement": {"Constraints": [f"{_NODE_CONSTRAINT}=={spec.node}"]},
            "Networks": [
                {"Target": id_of(Kind.NETWORK, item.network), "Aliases": list(item.aliases)}
                for item in spec.networks
            ],
            "LogDriver": {
                "Name": _LOG_DRIVER,
                "Options": {"max-size": spec.log_max_size, "max-file": str(spec.log_max_files)},
            },
        },
        # Paused, never rolled back: what runs is decided here, and Git would ask for it again.
        "UpdateConfig": {
            "Parallelism": 1,
            "Order": "stop-first",
            "FailureAction": "pause",
            "Monitor": _UPDATE_MONITOR_MS * _NANOS_PER_MILLI,
        },
        "EndpointSpec": _to_endpoint(spec.ports),
    }
    _check_inverse(spec, body, id_of)
    return body


def from_service(data: Mapping[str, Any], *, name_of: NameOf) -> ServiceSpec:
    """Return the ``Spec`` of a listed service in our terms. Takes any shape of spec.

    A constant of ours that was changed by hand takes the digest label away, so that it shows as
    drift although no field of ServiceSpec holds it.
    """
    task = _section(data, "TaskTemplate")
    container = _section(task, "ContainerSpec")
    resources = _section(task, "Resources")
    log = _section(task, "LogDriver")
    limits = _section(resources, "Limits")
    ports = _from_endpoint(_section(data, "EndpointSpec"))
    labels = dict(_section(data, "Labels"))
    if not _constants_hold(data, container, ports):
        labels.pop(LABEL_APPLIED_HASH, None)
    return ServiceSpec(
        name=str(data.get("Name", "")),
        labels=labels,
        replicas=_section(_section(data, "Mode"), "Replicated").get("Replicas", 0),
        node=_from_placement(_section(task, "Placement")),
        reservations=to_amounts(_section(resources, "Reservations")),
        limits=to_amounts(limits),
        pids_limit=limits.get("Pids", 0),
        restart=_from_restart(_section(task, "RestartPolicy")),
        networks=tuple(_from_attachment(item, name_of) for item in _items(task, "Networks")),
        ports=ports,
        log_max_size=_from_log_size(log),
        log_max_files=_whole(_section(log, "Options").get("max-file", "")),
        **_from_container(container, name_of),
    )


def to_amounts(data: Mapping[str, Any]) -> Resources:
    """Return an API resources object; parts of a milli-CPU count as a whole one."""
    return Resources.of(
        cpu_millis=_up(data.get("NanoCPUs", 0)),
        memory_bytes=data.get("MemoryBytes", 0),
        generic=[_generic(item) for item in _items(data, "GenericResources")],
    )


def _to_container(spec: ServiceSpec, id_of: IdOf, api: ApiVersion) -> Json:
    container: Json = {
        "Image": spec.image,
        "Init": True,  # reaps what the workload leaves behind, and passes on the stop signal
        "StopGracePeriod": spec.stop_grace_ms * _NANOS_PER_MILLI,
        "CapabilityAdd": list(spec.capabilities_add),
        "CapabilityDrop": list(spec.capabilities_drop),
        "Env": [f"{name}={value}" for name, value in spec.environment],
        "Mounts": [_to_mount(mount) for mount in spec.mounts],
        "Configs": [_to_file(Kind.CONFIG, item, id_of) for item in spec.configs],
        "Secrets": [_to_file(Kind.SECRET, item, id_of) for item in spec.secrets],
        "Ulimits": [{"Name": u.name, "Soft": u.soft, "Hard": u.hard} for u in spec.ulimits],
    }
    # An empty list or text would mean the same as none: left out, so that there is one form.
    optional = {
        "Command": spec.entrypoint and list(spec.entrypoint),
        "Args": spec.command and list(spec.command),
        "User": spec.user,
        "Dir": spec.working_dir,
        "Hostname": spec.hostname,
        "Healthcheck": spec.health and _to_health(spec.health),
    }
    container.update({key: value for key, value in optional.items() if value})
    if api >= NO_NEW_PRIVILEGES_API:
        container["Privileges"] = {"NoNewPrivileges": True}
    return container


def _from_container(data: Mapping[str, Any], name_of: NameOf) -> Json:
    entrypoint, command = data.get("Command"), data.get("Args")
    return {
        "image": data.get("Image", ""),
        "entrypoint": tuple(entrypoint) if entrypoint else None,
        "command": tuple(command) if command else None,
        "environment": tuple(_pair(text) for text in _items(data, "Env")),
        "user": data.get("User", ""),
        "working_dir": data.get("Dir", ""),
        "hostname": data.get("Hostname", ""),
        "mounts": tuple(_from_mount(item) for item in _items(data, "Mounts")),
        "configs": tuple(_from_file(Kind.CONFIG, i, name_of) for i in _items(data, "Configs")),
        "secrets": tuple(_from_file(Kind.SECRET, i, name_of) for i in _items(data, "Secrets")),
        "health": _from_health(data.get("Healthcheck")),
        "stop_grace_ms": _up(data.get("StopGracePeriod", _NEVER_SET * _NANOS_PER_MILLI)),
        "ulimits": tuple(
            ProcessLimit(name=i.get("Name", ""), soft=i.get("Soft", 0), hard=i.get("Hard", 0))
            for i in _items(data, "Ulimits")
        ),
        "capabilities_add": _from_capabilities(data, "CapabilityAdd"),
        "capabilities_drop": _from_capabilities(data, "CapabilityDrop"),
    }


def _from_capabilities(data: Mapping[str, Any], key: str) -> tuple[str, ...]:
    # Some engines answer with the kernel's names.
    return tuple(name.removeprefix("CAP_") for name in _items(data, key))


def _to_health(probe: HealthProbe) -> Json:
    return {
        "Test": list(probe.test),
        "Interval": probe.interval_ms * _NANOS_PER_MILLI,
        "Timeout": probe.timeout_ms * _NANOS_PER_MILLI,
        "StartPeriod": probe.start_period_ms * _NANOS_PER_MILLI,
        "Retries": probe.retries,
    }


def _from_health(data: Mapping[str, Any] | None) -> HealthProbe | None:
    if not data:
        return None
    return HealthProbe(
        test=tuple(_items(data, "Test")),
        interval_ms=_up(data.get("Interval", 0)),
        timeout_ms=_up(data.get("Timeout", 0)),
        start_period_ms=_up(data.get("StartPeriod", 0)),
        retries=data.get("Retries", 0),
    )


def _to_mount(mount: Mount) -> Json:
    body: Json = {"Type": mount.type, "Target": mount.target, "ReadOnly": mount.read_only}
    if mount.source:
        body["Source"] = mount.source
    if mount.size_bytes:
        body["TmpfsOptions"] = {"SizeBytes": mount.size_bytes}
    return body


def _from_mount(data: Mapping[str, Any]) -> Mount:
    return Mount(
        type=data.get("Type", ""),
        target=data.get("Target", ""),
        source=data.get("Source", ""),
        read_only=data.get("ReadOnly", False),
        size_bytes=_section(data, "TmpfsOptions").get("SizeBytes", 0),
    )


def _to_file(kind: Kind, item: FileReference, id_of: IdOf) -> Json:
    word = kind.capitalize()
    return {
        f"{word}ID": id_of(kind, item.name),
        f"{word}Name": item.name,
        "File": {"Name": item.target, "UID": item.uid, "GID": item.gid, "Mode": item.mode},
    }


def _from_file(kind: Kind, data: Mapping[str, Any], name_of: NameOf) -> FileReference:
    word = kind.capitalize()
    file = _section(data, "File")
    return FileReference(
        # The id counts; the name in the reference is only what its author wrote there.
        name=name_of(kind, data.get(f"{word}ID", "")) or data.get(f"{word}Name", ""),
        target=file.get("Name", ""),
        uid=file.get("UID", ""),
        gid=file.get("GID", ""),
        mode=file.get("Mode", 0),
    )


def _from_attachment(data: Mapping[str, Any], name_of: NameOf) -> NetworkAttachment:
    target = data.get("Target", "")
    return NetworkAttachment(
        network=name_of(Kind.NETWORK, target) or target, aliases=tuple(_items(data, "Aliases"))
    )


def _to_resources(spec: ServiceSpec) -> Json:
    limits = _to_amounts(spec.limits)
    if spec.pids_limit:
        limits["Pids"] = spec.pids_limit
    reservations = _to_amounts(spec.reservations)
    if spec.reservations.generic:
        reservations["GenericResources"] = [
            {"DiscreteResourceSpec": {"Kind": kind, "Value": count}}
            for kind, count in spec.reservations.generic
        ]
    return {"Limits": limits, "Reservations": reservations}


def _to_amounts(amounts: Resources) -> Json:
    body: Json = {}
    if amounts.cpu_millis:
        body["NanoCPUs"] = amounts.cpu_millis * _NANOS_PER_MILLI
    if amounts.memory_bytes:
        body["MemoryBytes"] = amounts.memory_bytes
    return body


def _generic(data: Mapping[str, Any]) -> tuple[str, int]:
    named = _section(data, "NamedResourceSpec")
    if named:
        return named.get("Kind", ""), 1  # one device by name
    discrete = _section(data, "DiscreteResourceSpec")
    return discrete.get("Kind", ""), discrete.get("Value", 0)


def _to_restart(restart: Restart) -> Json:
    return {
        "Condition": restart.condition.value,
        "Delay": restart.delay_ms * _NANOS_PER_MILLI,
        "MaxAttempts": restart.max_attempts,
        "Window": restart.window_ms * _NANOS_PER_MILLI,
    }


def _from_restart(data: Mapping[str, Any]) -> Restart:
    condition = data.get("Condition", "")
    if condition not in list(RestartCondition):
        return Restart(condition=RestartCondition.ANY, delay_ms=_NEVER_SET)
    return Restart(
        condition=RestartCondition(condition),
        delay_ms=_up(data.get("Delay", 0)),
        max_attempts=data.get("MaxAttempts", 0),
        window_ms=_up(data.get("Window", 0)),
    )


def _endpoint_mode(ports: Sequence[PublishedPort]) -> str:
    # The engine refuses the routing mesh without a virtual address; nothing else needs one.
    return "vip" if any(port.mode == "ingress" for port in ports) else "dnsrr"


def _to_endpoint(ports: Sequence[PublishedPort]) -> Json:
    return {"Mode": _endpoint_mode(ports), "Ports": [_to_port(port) for port in ports]}


def _to_port(port: PublishedPort) -> Json:
    body: Json = {
        "Name": port.name,
        "Protocol": port.protocol,
        "TargetPort": port.target,
        "PublishMode": port.mode,
    }
    if port.published:
        body["PublishedPort"] = port.published
    return body


def _from_endpoint(data: Mapping[str, Any]) -> tuple[PublishedPort, ...]:
    return tuple(
        PublishedPort(
            name=item.get("Name", ""),
            target=item.get("TargetPort", 0),
            published=item.get("PublishedPort", 0),
            protocol=item.get("Protocol", ""),
            mode=item.get("PublishMode", ""),
        )
        for item in _items(data, "Ports")
    )


def _from_placement(data: Mapping[str, Any]) -> NodeId:
    constraints = [text.replace(" ", "") for text in _items(data, "Constraints")]
    prefix = f"{_NODE_CONSTRAINT}=="
    if len(constraints) == 1 and constraints[0].startswith(prefix):
        return NodeId(constraints[0].removeprefix(prefix))
    return NodeId(" && ".join(constraints))  # no node's id: shows up as drift


def _from_log_size(data: Mapping[str, Any]) -> str:
    return str(_section(data, "Options").get("max-size", ""))


def _constants_hold(
    data: Mapping[str, Any], container: Mapping[str, Any], ports: Sequence[PublishedPort]
) -> bool:
    log = _section(_section(data, "TaskTemplate"), "LogDriver")
    return (
        container.get("Init") is True
        and log.get("Name") == _LOG_DRIVER
        and _section(data, "EndpointSpec").get("Mode") == _endpoint_mode(ports)
    )


def _check_inverse(spec: ServiceSpec, body: Json, id_of: IdOf) -> None:
    names = {
        (kind, id_of(kind, item)): item
        for kind, items in (
            (Kind.NETWORK, [attachment.network for attachment in spec.networks]),
            (Kind.CONFIG, [reference.name for reference in spec.configs]),
            (Kind.SECRET, [reference.name for reference in spec.secrets]),
        )
        for item in items
    }
    back = from_service(body, name_of=lambda kind, id_: names.get((kind, id_)))
    lost = [
        field.name
        for field in fields(ServiceSpec)
        if field.name != "labels" and getattr(back, field.name) != getattr(spec, field.name)
    ]
    if lost:
        raise ActionFailed(f"the Swarm can't carry {', '.join(lost)} of {spec.name} as given")


def _section(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """Return an object's member object; the API leaves empty ones out or says null."""
    return data.get(key) or {}


def _items(data: Mapping[str, Any], key: str) -> Sequence[Any]:
    return data.get(key) or ()


def _up(nanos: int) -> int:
    """Return whole thousandths, rounded up: a change by hand in a smaller unit stays visible."""
    return -(-nanos // _NANOS_PER_MILLI)


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name, value


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else _NEVER_SET
