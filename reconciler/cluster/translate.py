"""ServiceSpec as a Docker API dictionary and back. Pure.

Every dictionary is built here, key by key, from fields that we know: nothing of a manifest is
ever merged into one. Reading is the inverse of writing on everything that we set, and blind to
what the daemon adds, so that a service's digest is the same before and after a round trip.
Whatever somebody changed by hand must come back as a *different* spec, even where our types
have no word for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from policy.model.execution import NodeId
from reconciler.cluster.amounts import from_amounts, to_resources
from reconciler.cluster.container import from_container, to_container
from reconciler.cluster.dictionary import (
    NANOS_PER_MILLI,
    NEVER_SET,
    OLDEST_API,
    ApiVersion,
    IdOf,
    Json,
    Kind,
    NameOf,
    items,
    section,
    up,
)
from reconciler.converge.state import (
    LABEL_APPLIED_HASH,
    NetworkAttachment,
    PublishedPort,
    Restart,
    RestartCondition,
    ServiceSpec,
)
from reconciler.errors import ActionFailed

_UPDATE_MONITOR_MS = 5_000
_NODE_CONSTRAINT = "node.id"
_LOG_DRIVER = "json-file"
_SLOT = "{{.Task.Slot}}"  # the one template that may be of use: it numbers replicas
_NODE_NETWORKS = frozenset({"bridge", "host", "none"})


def to_service(spec: ServiceSpec, *, id_of: IdOf, api: ApiVersion = OLDEST_API) -> Json:
    """Return the body of services/create (and of update) for ``spec``, labelled with its digest.

    Raises:
        Missing: From ``id_of``.
        ActionFailed: The spec holds something that the API can't carry, or wouldn't give back
            as it was: it would look changed by hand for ever. Or it breaks out of its cage.
    """
    _check_caged(spec)
    body: Json = {
        "Name": spec.name,
        "Labels": {**spec.labels, LABEL_APPLIED_HASH: spec.applied_hash},
        "Mode": {"Replicated": {"Replicas": spec.replicas}},
        "TaskTemplate": {
            "ContainerSpec": to_container(spec, id_of, api),
            "Resources": to_resources(spec),
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
            "Monitor": _UPDATE_MONITOR_MS * NANOS_PER_MILLI,
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
    task = section(data, "TaskTemplate")
    container = section(task, "ContainerSpec")
    resources = section(task, "Resources")
    log = section(task, "LogDriver")
    limits = section(resources, "Limits")
    ports = _from_endpoint(section(data, "EndpointSpec"))
    labels = dict(section(data, "Labels"))
    if not _constants_hold(data, container, ports):
        labels.pop(LABEL_APPLIED_HASH, None)
    return ServiceSpec(
        name=str(data.get("Name", "")),
        labels=labels,
        replicas=section(section(data, "Mode"), "Replicated").get("Replicas", 0),
        node=_from_placement(section(task, "Placement")),
        reservations=from_amounts(section(resources, "Reservations")),
        limits=from_amounts(limits),
        pids_limit=limits.get("Pids", 0),
        restart=_from_restart(section(task, "RestartPolicy")),
        networks=tuple(_from_attachment(item, name_of) for item in items(task, "Networks")),
        ports=ports,
        log_max_size=_from_log_size(log),
        log_max_files=_whole(section(log, "Options").get("max-file", "")),
        **from_container(container, name_of),
    )


def _from_attachment(data: Mapping[str, Any], name_of: NameOf) -> NetworkAttachment:
    target = data.get("Target", "")
    return NetworkAttachment(
        network=name_of(Kind.NETWORK, target) or target, aliases=tuple(items(data, "Aliases"))
    )


def _to_restart(restart: Restart) -> Json:
    return {
        "Condition": restart.condition.value,
        "Delay": restart.delay_ms * NANOS_PER_MILLI,
        "MaxAttempts": restart.max_attempts,
        "Window": restart.window_ms * NANOS_PER_MILLI,
    }


def _from_restart(data: Mapping[str, Any]) -> Restart:
    condition = data.get("Condition", "")
    if condition not in list(RestartCondition):
        return Restart(condition=RestartCondition.ANY, delay_ms=NEVER_SET)
    return Restart(
        condition=RestartCondition(condition),
        delay_ms=up(data.get("Delay", 0)),
        max_attempts=data.get("MaxAttempts", 0),
        window_ms=up(data.get("Window", 0)),
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
        for item in items(data, "Ports")
    )


def _from_placement(data: Mapping[str, Any]) -> NodeId:
    constraints = [text.replace(" ", "") for text in items(data, "Constraints")]
    prefix = f"{_NODE_CONSTRAINT}=="
    if len(constraints) == 1 and constraints[0].startswith(prefix):
        return NodeId(constraints[0].removeprefix(prefix))
    return NodeId(" && ".join(constraints))  # no node's id: shows up as drift


def _from_log_size(data: Mapping[str, Any]) -> str:
    return str(section(data, "Options").get("max-size", ""))


def _constants_hold(
    data: Mapping[str, Any], container: Mapping[str, Any], ports: Sequence[PublishedPort]
) -> bool:
    log = section(section(data, "TaskTemplate"), "LogDriver")
    return (
        container.get("Init") is True
        and log.get("Name") == _LOG_DRIVER
        and section(data, "EndpointSpec").get("Mode") == _endpoint_mode(ports)
    )


def _check_caged(spec: ServiceSpec) -> None:
    """Refuse what no manifest may bring about, whatever went wrong before.

    The engine itself accepts all of it: a node's own networks, and Go templates that it expands
    on the node, after everybody's validation.
    """
    expanded = [spec.hostname, *(text for pair in spec.environment for text in pair)]
    expanded += [text for mount in spec.mounts for text in (mount.source, mount.target)]
    if "ALL" not in spec.capabilities_drop:
        raise ActionFailed(f"{spec.name} keeps the engine's default capabilities")
    if any(item.network.lower() in _NODE_NETWORKS for item in spec.networks):
        raise ActionFailed(f"{spec.name} would join a node's own network")
    if any("{{" in text.replace(_SLOT, "") for text in expanded):
        raise ActionFailed(f"{spec.name} holds a template that the engine would expand")


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


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else NEVER_SET
