"""One service of a description, in the words of a manifest."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from reconciler.importing import naming
from reconciler.importing.images import note_private
from reconciler.importing.notes import ENCRYPT_IT, Notes
from reconciler.importing.original.placeholders import Placeholders, SeveralSelves
from reconciler.importing.original.ports import OldPort
from reconciler.importing.original.shape import OldService
from reconciler.manifest.diagnostic import quoted
from reconciler.manifest.quantities import cpus_text, memory_text
from reconciler.manifest.rules import LEAST_MEMORY_BYTES
from reconciler.manifest.scalars import Number
from reconciler.review.masking import is_secret, is_secret_argument

WORKSPACE = "/mnt/workspace"
_CONSTRAINT = re.compile(r"(?:constraint:)?([A-Za-z0-9_.-]+) ?(==|!=) ?([A-Za-z0-9._:/-]+)")
# What the original's own images were called, wherever they were kept.
_OLD_REPOSITORIES = ("zapps/", "zoerepo/")
_SECRET = (
    "it looks like a secret, and whoever reads the repository reads it",
    ENCRYPT_IT,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """How a service and what it refers to are called now."""

    name: str
    keeps_names: bool
    placeholders: Placeholders
    declare: Callable[[str, dict[str, Any]], str]


def convert(
    old: OldService,
    names: Naming,
    has_workspace: bool,
    notes: Notes,
) -> dict[str, Any]:
    """Return the service; what can't be said is noted.

    Raises:
        Refused: It holds a placeholder without an equivalent.
    """
    service: dict[str, Any] = {
        "image": _image(old, notes),
        "environment": _environment(old, names, notes),
        "ports": _ports(old, notes, keeps_names=names.keeps_names),
        "volumes": _volumes(old, has_workspace, notes),
        "resources": _resources(old, notes),
        "placement": _placement(old, notes),
        "working_dir": old.work_dir,
        "shm_size": memory_text(old.shm_bytes) if old.shm_bytes else None,
    }
    if old.command.strip():
        service["command"] = old.command
        if any(map(is_secret_argument, old.command.split())):
            notes.add((*old.path, "command"), *_SECRET)
    if old.essential < old.total:
        service["replicas"] = {"core": old.essential, "max": old.total}
    elif old.total > 1:
        service["replicas"] = old.total
    return service


def _image(old: OldService, notes: Notes) -> str:
    place = (*old.path, old.image_key)
    image = old.image.lstrip("/")
    if image != old.image:
        notes.add(place, f"{quoted(old.image)} became {image}: a reference begins with a name")
    note_private(image, place, notes)
    if image.startswith(_OLD_REPOSITORIES):
        repository = image.partition("/")[0]
        remedy = f"in platform.yaml: images: rewrite: {{{repository}/: registry.lab/{repository}/}}"
        notes.add(place, f"{image} stays as it is; it was built for the original", remedy)
    return image


def _environment(old: OldService, names: Naming, notes: Notes) -> dict[str, str]:
    found: dict[str, str] = {}
    for index, (name, value) in enumerate(old.environment):
        place = (*old.path, "environment", index)
        if name in found:
            notes.dropped(place, f"{name} stands there twice, and the last one counts")
        try:
            found[name] = names.placeholders.replaced(
                value, own=old.name, is_single=old.total == 1, path=place, notes=notes
            )
        except SeveralSelves:
            why = f"{name} is another one in each of {old.total} replicas"
            notes.dropped(place, why, "most programs take the container's own address without it")
            continue
        if is_secret(name, value):
            notes.add(place, f"{name}: {_SECRET[0]}", _SECRET[1])
    return found | (_kept_names(old, names, notes) if names.keeps_names else {})


def _kept_names(old: OldService, names: Naming, notes: Notes) -> dict[str, str]:
    """Return the variables that the original gave to every container, as far as there are any."""
    ids = {
        variable: names.declare(
            parameter,
            {"type": "integer", "default": 1000, "minimum": 1, "description": about},
        )
        for variable, parameter, about in (
            ("ZOE_UID", "zoe_uid", "The uid of the Namespace"),
            ("ZOE_GID", "zoe_gid", "The gid of the Namespace"),
        )
    }
    proxied = _proxied(old)
    route = f"${{{{ services.{names.name}.route }}}}"
    paths = {
        f"REVERSE_PROXY_PATH_{port.number}": route if port is proxied else "/" for port in old.ports
    }
    if any(port is not proxied for port in old.ports):
        message = "REVERSE_PROXY_PATH_<port> is / where no proxy led to the port"
        notes.add((*old.path, "ports"), message)
    return {
        "EXECUTION_ID": "${{ execution.uid }}",
        "DEPLOY_NAME": names.placeholders.deployment(),
        "ZOE_USER": "${{ execution.namespace }}",
        "SERVICE_NAME": names.name,
        "ZOE_WORKSPACE": WORKSPACE,
        **ids,
        **paths,
    }


def _proxied(old: OldService) -> OldPort | None:
    """Return the port that the gateway can lead to as the original's proxy did: the first page."""
    pages = [port for port in old.ports if port.app_protocol == "http" and port.protocol == "tcp"]
    return pages[0] if pages and pages[0].is_proxied else None


def _ports(old: OldService, notes: Notes, *, keeps_names: bool) -> list[dict[str, Any]]:
    names = naming.ports()
    found: dict[tuple[int, str], dict[str, Any]] = {}
    for port in old.ports:
        key = (port.number, port.protocol)
        if key in found:
            notes.dropped(port.path, f"port {port.number} stands there already")
            continue
        new = names.name(
            port.name
            if port.name not in (other["name"] for other in found.values())
            else f"{port.name} {port.number}"
        )
        if new != port.name:
            notes.add((*port.path, "name"), f"the port is called {new} now")
        found[key] = _port(port, new)
        if port.is_proxied and keeps_names and port is _proxied(old):
            found[key]["route"] = "keep"
        elif port.is_proxied:
            why = "the gateway serves it under a path that the application needn't know"
            notes.dropped((*port.path, "proxy"), why, "--keep-names tells the application its path")
    return list(found.values())


def _port(port: OldPort, name: str) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": name, "target": port.number}
    if port.protocol != "tcp":
        entry["protocol"] = port.protocol
    if port.app_protocol:
        entry["app_protocol"] = port.app_protocol
    if port.url_path:
        entry["path"] = port.url_path
    return entry


def _volumes(
    old: OldService,
    has_workspace: bool,
    notes: Notes,
) -> list[dict[str, Any]]:
    """Return the mounts by their place in the container; folders of nodes are never mounted."""
    found: list[dict[str, Any]] = []
    if has_workspace:
        found.append({"type": "workspace", "target": WORKSPACE})
    for path, name, target, is_read_only in old.volumes:
        storage = naming.slug(name, chars=naming.NAME_CHARS, otherwise="data")
        entry: dict[str, Any] = {"type": "volume", "source": storage, "target": target}
        if is_read_only:
            entry["read_only"] = True
        notes.add(
            path,
            f"a folder of the node can't be mounted: {target} is the storage {storage} now",
            f"ask the operator for [storage.{storage}], or write type: workspace",
        )
        found.append(entry)
    return found


def _resources(old: OldService, notes: Notes) -> dict[str, Any]:
    """Return what is set aside; its memory is the limit too, as it was, where no other is said."""
    reserved: dict[str, Any] = {}
    if old.cpu_millis:
        reserved["cpus"] = _plain_cpus(old.cpu_millis)
    if 0 < old.memory_bytes < LEAST_MEMORY_BYTES:
        place = (*old.path, "resources", "memory")
        notes.dropped(
            place,
            f"the engine accepts no less than {memory_text(LEAST_MEMORY_BYTES)}",
            "the platform's default applies",
        )
    elif old.memory_bytes:
        reserved["memory"] = memory_text(old.memory_bytes)
    return {"reservations": reserved} if reserved else {}


def _plain_cpus(millis: int) -> int | Number:
    return millis // 1000 if millis % 1000 == 0 else Number(cpus_text(millis))


def _placement(old: OldService, notes: Notes) -> dict[str, Any]:
    rules = [f"node.labels.{label} == true" for label in old.labels]
    for index, text in enumerate(old.constraints):
        match = _CONSTRAINT.fullmatch(text)
        if match is None:
            why = f"{quoted(text)} isn't a rule that is known here"
            notes.dropped((*old.path, "constraints", index), why, "write node.labels.NAME == VALUE")
            continue
        attribute = {"node": "node.hostname"}.get(match[1], f"node.labels.{match[1]}")
        if match[1].startswith(("node.", "engine.")):
            attribute = match[1]
        rules.append(f"{attribute} {match[2]} {match[3]}")
    if old.labels:
        message = "labels of nodes are rules now: " + ", ".join(rules[: len(old.labels)])
        notes.add((*old.path, "labels"), message, "the operator sets them: docker node update")
    return {"constraints": rules} if rules else {}
