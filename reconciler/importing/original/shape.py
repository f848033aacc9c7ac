"""A description of any format, as one shape: what the four formats call differently is one here.

Only the reading is done here; what it means in a manifest is ``service``'s and ``application``'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from reconciler.importing.notes import Notes, Refused
from reconciler.importing.original import ports, values
from reconciler.importing.original.placeholders import SELF
from reconciler.importing.original.ports import OldPort
from reconciler.manifest.diagnostic import Path, quoted

VERSIONS = (0, 1, 2, 3)

_APPLICATION_KEYS = frozenset({"name", "version", "will_end", "size", "priority"})
_SERVICE_KEYS = frozenset(
    {"name", "monitor", "ports", "environment", "command", "volumes", "constraints", "labels"}
    | {"essential_count", "total_count", "startup_order", "work_dir", "network", "networks"}
    | {"image", "docker_image", "resources", "required_resources"}
)
# Said by some descriptions, read by nothing any more, and nothing is lost with it.
_WITHOUT_MEANING: Mapping[str, str] = {
    "requires_binary": "files come with the execution (files:) or from the workspace",
    "user_id": "whose execution it is says its namespace",
    "plugins": "there are none",
    "disable_autorestart": "the type says what is started again",
    "replicas": "the original ignored it; total_count counts",
    "version": "the whole description has one",
    "is_main_endpoint": "every port has a link; the first one comes first",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OldService:
    """A service or process of a description. Amounts are bytes and milli-CPUs, 0 where unsaid."""

    path: Path
    name: str
    image_key: str
    image: str
    is_monitor: bool
    command: str
    environment: tuple[tuple[str, str], ...]
    ports: tuple[OldPort, ...]
    volumes: tuple[tuple[Path, str, str, bool], ...]
    labels: tuple[str, ...]
    constraints: tuple[str, ...]
    essential: int
    total: int
    order: int
    work_dir: str
    memory_bytes: int
    cpu_millis: int
    shm_bytes: int

    def apart_from_name(self) -> OldService:
        """Return it as it would be if it hadn't a name of its own: to see which ones are equal."""
        environment = tuple(
            (name, value.replace(f"{{dns_name#{self.name}}}", f"{{dns_name#{SELF}}}"))
            for name, value in self.environment
        )
        ports = tuple(replace(port, path=()) for port in self.ports)
        volumes = tuple(((), *volume[1:]) for volume in self.volumes)
        return replace(
            self, path=(), name="", environment=environment, ports=ports, volumes=volumes
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OldApplication:
    """A description as a whole."""

    path: Path
    name: str
    version: int
    will_end: bool
    services: tuple[OldService, ...]


def read(value: object, path: Path, notes: Notes) -> OldApplication:
    """Return what a description says.

    Raises:
        Refused: It isn't one, or mixes formats.
    """
    if not isinstance(value, dict):
        raise Refused(path, "a description is a JSON object", "give the description itself")
    if not value.keys() & {"services", "processes"}:
        message = "it has neither services nor processes"
        raise Refused(path, message, "give a description of the original Zoe")
    version = _version(value, path)
    key = "processes" if version == 0 else "services"
    _refuse_mixture(value, version, path)
    entries = value.get(key)
    if not isinstance(entries, list) or not entries:
        raise Refused(path, f"{key} is missing or empty", f"add {key}: a list of what runs")
    services = tuple(
        _service(entry, version, (*path, key, index), notes) for index, entry in enumerate(entries)
    )
    if not any(service.is_monitor for service in services):
        raise Refused(
            (*path, key),
            "no service is the monitor, whose end is the end of all",
            'write "monitor": true into the service that decides',
        )
    will_end = value.get("will_end", False)
    if not isinstance(will_end, bool):
        raise Refused((*path, "will_end"), "will_end isn't true or false", "write true or false")
    _note_size(value, path, notes)
    for name in sorted(value.keys() - _APPLICATION_KEYS - {key}):
        notes.dropped((*path, name), _WITHOUT_MEANING.get(name, "no format has such a key"))
    return OldApplication(
        path=path,
        name=values.text(value.get("name"), (*path, "name")) or "imported",
        version=version,
        will_end=will_end,
        services=services,
    )


def _note_size(value: Mapping[str, Any], path: Path, notes: Notes) -> None:
    for name in ("size", "priority"):
        if value.get(name) is not None:
            why = "it was a rank in the queue, and no amount"
            notes.dropped((*path, name), why, "an Execution may say size: S, M, L or XL")


def _version(value: Mapping[str, Any], path: Path) -> int:
    version = value.get("version")
    if version is None:
        known = ", ".join(map(str, VERSIONS))
        raise Refused(path, "version is missing", f"add the format's version, one of {known}")
    is_number = isinstance(version, int) and not isinstance(version, bool)
    if not is_number or version not in VERSIONS:
        raise Refused(
            (*path, "version"),
            f"{quoted(version)} isn't a version that the original had",
            "the formats are 0, 1, 2 and 3",
        )
    return int(version)


def _refuse_mixture(value: Mapping[str, Any], version: int, path: Path) -> None:
    """Refuse keys of another format than the one that the version names: which one counts?"""
    wrong, right = ("services", "processes") if version == 0 else ("processes", "services")
    if wrong in value:
        message = f"version {version} calls its services {right}, and there is {wrong}"
        other = "1, 2 or 3" if version == 0 else "0"
        raise Refused((*path, wrong), message, f"rename it, or set version to {other}")


def _refuse_service_mixture(value: Mapping[str, Any], version: int, path: Path) -> None:
    old, new = ("docker_image", "required_resources"), ("image", "resources")
    wrong, right = (old, new) if version == 3 else (new, old)
    for mistaken, name in zip(wrong, right, strict=True):
        if mistaken in value:
            both = " beside it" if name in value else ""
            message = f"version {version} has {name}, and there is {mistaken}{both}"
            other = "2" if version == 3 else "3"
            remedy = f"rename it to {name}, or set version to {other} if all of it is that format"
            raise Refused((*path, mistaken), message, remedy)


def _service(value: object, version: int, path: Path, notes: Notes) -> OldService:
    if not isinstance(value, dict):
        raise Refused(path, "a service is a JSON object", "write name, image and so on")
    _refuse_service_mixture(value, version, path)
    _note_unread(value, path, notes)
    image_key = "image" if version == 3 else "docker_image"
    image = values.text(value.get(image_key), (*path, image_key))
    if not image:
        raise Refused(path, f"{image_key} is missing", "name the image that runs")
    memory, cpus, shm = values.amounts(value, version, path, notes)
    total = values.count(value.get("total_count", 1), (*path, "total_count"))
    essential = values.count(
        value.get("essential_count", total), (*path, "essential_count"), least=0
    )
    if essential > total:
        message = f"essential_count {essential} is more than total_count {total}"
        raise Refused((*path, "essential_count"), message, f"write {total} or less")
    return OldService(
        path=path,
        name=values.text(value.get("name"), (*path, "name")) or "service",
        image_key=image_key,
        image=image,
        is_monitor=value.get("monitor") is True,
        command=values.text(value.get("command"), (*path, "command")),
        environment=values.pairs(value.get("environment"), (*path, "environment")),
        ports=ports.read(value.get("ports"), (*path, "ports"), notes),
        volumes=_volumes(value.get("volumes"), (*path, "volumes"), version),
        labels=values.texts(value.get("labels"), (*path, "labels")),
        constraints=values.texts(value.get("constraints"), (*path, "constraints")),
        essential=essential,
        total=total,
        order=values.count(value.get("startup_order", 0), (*path, "startup_order"), least=-(10**6)),
        work_dir=values.text(value.get("work_dir"), (*path, "work_dir")),
        memory_bytes=memory,
        cpu_millis=cpus,
        shm_bytes=shm,
    )


def _note_unread(value: Mapping[str, Any], path: Path, notes: Notes) -> None:
    for name in sorted(value.keys() - _SERVICE_KEYS):
        if name in ("replicas", "version") and value[name] in (0, 1, None):
            continue
        notes.dropped((*path, name), _WITHOUT_MEANING.get(name, "no format has such a key"))
    if value.get("network") or value.get("networks"):
        key = "network" if value.get("network") else "networks"
        why = "services of a namespace share its network"
        notes.dropped((*path, key), why, "ask the operator to grant another network")


def _volumes(value: object, path: Path, version: int) -> tuple[tuple[Path, str, str, bool], ...]:
    """Return place, name, path in the container and whether it is read-only, of every volume."""
    if value is None:
        return ()
    if not isinstance(value, list):
        raise Refused(path, "volumes isn't a list", "write a list")
    return tuple(_volume(item, (*path, index), version) for index, item in enumerate(value))


def _volume(item: object, path: Path, version: int) -> tuple[Path, str, str, bool]:
    match item:
        case {"name": str(name), "path": str(), **options}:
            return path, name, f"/mnt/{name}", options.get("read_only") is True
        case [str(host), str(target), *flags]:
            name = host.rstrip("/").rpartition("/")[2] or "data"
            return path, name, target, flags[:1] in ([True], ["ro"])
        case _:
            form = '{"name": ..., "path": ...}' if version == 3 else "[host path, path, read only]"
            raise Refused(path, "it isn't a volume", f"write {form}")
