"""The container part of a service, to the Docker API and back. Pure.

Here privileges are decided: there is no key that could add any but CapabilityAdd.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.cluster.dictionary import (
    NANOS_PER_MILLI,
    NEVER_SET,
    ApiVersion,
    IdOf,
    Json,
    Kind,
    NameOf,
    items,
    section,
    up,
)
from reconciler.converge.state import FileReference, HealthProbe, Mount, ProcessLimit, ServiceSpec

NO_NEW_PRIVILEGES_API: ApiVersion = (1, 44)


def to_container(spec: ServiceSpec, id_of: IdOf, api: ApiVersion) -> Json:
    """Return the ContainerSpec; what older engines don't know is left out."""
    container: Json = {
        "Image": spec.image,
        "Init": True,  # reaps what the workload leaves behind, and passes on the stop signal
        "StopGracePeriod": spec.stop_grace_ms * NANOS_PER_MILLI,
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
        "Labels": dict(spec.container_labels),
        "Healthcheck": spec.health and _to_health(spec.health),
    }
    container.update({key: value for key, value in optional.items() if value})
    if api >= NO_NEW_PRIVILEGES_API:
        container["Privileges"] = {"NoNewPrivileges": True}
    return container


def from_container(data: Mapping[str, Any], name_of: NameOf) -> Json:
    """Return the fields of ServiceSpec that a ContainerSpec holds."""
    entrypoint, command = data.get("Command"), data.get("Args")
    return {
        "image": data.get("Image", ""),
        "entrypoint": tuple(entrypoint) if entrypoint else None,
        "command": tuple(command) if command else None,
        "environment": tuple(_pair(text) for text in items(data, "Env")),
        "user": data.get("User", ""),
        "working_dir": data.get("Dir", ""),
        "hostname": data.get("Hostname", ""),
        "container_labels": tuple(sorted((data.get("Labels") or {}).items())),
        "mounts": tuple(_from_mount(item) for item in items(data, "Mounts")),
        "configs": tuple(_from_file(Kind.CONFIG, i, name_of) for i in items(data, "Configs")),
        "secrets": tuple(_from_file(Kind.SECRET, i, name_of) for i in items(data, "Secrets")),
        "health": _from_health(data.get("Healthcheck")),
        "stop_grace_ms": up(data.get("StopGracePeriod", NEVER_SET * NANOS_PER_MILLI)),
        "ulimits": tuple(
            ProcessLimit(name=i.get("Name", ""), soft=i.get("Soft", 0), hard=i.get("Hard", 0))
            for i in items(data, "Ulimits")
        ),
        "capabilities_add": _from_capabilities(data, "CapabilityAdd"),
        "capabilities_drop": _from_capabilities(data, "CapabilityDrop"),
    }


def _from_capabilities(data: Mapping[str, Any], key: str) -> tuple[str, ...]:
    # Some engines answer with the kernel's names.
    return tuple(name.removeprefix("CAP_") for name in items(data, key))


def _to_health(probe: HealthProbe) -> Json:
    return {
        "Test": list(probe.test),
        "Interval": probe.interval_ms * NANOS_PER_MILLI,
        "Timeout": probe.timeout_ms * NANOS_PER_MILLI,
        "StartPeriod": probe.start_period_ms * NANOS_PER_MILLI,
        "Retries": probe.retries,
    }


def _from_health(data: Mapping[str, Any] | None) -> HealthProbe | None:
    if not data:
        return None
    return HealthProbe(
        test=tuple(items(data, "Test")),
        interval_ms=up(data.get("Interval", 0)),
        timeout_ms=up(data.get("Timeout", 0)),
        start_period_ms=up(data.get("StartPeriod", 0)),
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
        size_bytes=section(data, "TmpfsOptions").get("SizeBytes", 0),
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
    file = section(data, "File")
    return FileReference(
        # The id counts; the name in the reference is only what its author wrote there.
        name=name_of(kind, data.get(f"{word}ID", "")) or data.get(f"{word}Name", ""),
        target=file.get("Name", ""),
        uid=file.get("UID", ""),
        gid=file.get("GID", ""),
        mode=file.get("Mode", 0),
    )


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    return name, value
