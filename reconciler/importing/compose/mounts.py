"""Volumes, file systems in memory, secrets and configs of a service.

Folders of nodes are never mounted: what a file binds becomes the workspace, a file of the
repository, or nothing. A named volume is a storage that the operator sets up.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from reconciler.importing import naming
from reconciler.importing.compose import amounts
from reconciler.importing.compose.context import Context
from reconciler.importing.compose.reading import kind_of, plain_text

# Of the node itself; nothing of the repository or the workspace stands for them.
_OF_THE_NODE = re.compile(
    r"/(?:(?:proc|sys|dev|run|var/run|var/log|etc|boot|lib|usr|var/lib/docker)(?:/.*)?)?|.*\.sock"
)
_A_FILE = re.compile(r"[^/]*[^/.][^/]*\.[A-Za-z0-9]{1,10}|[A-Z][A-Za-z]+file|\.[a-z]+rc|\.env")
_SECRET_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_PATH = re.compile(r"[/\\:~$]|^\.")
_OPTIONS = re.compile(r"[a-zA-Z,]+")
_FILE_SOURCE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class _Volume:
    """An entry under volumes, whatever its syntax."""

    type: str
    source: str
    target: str
    is_read_only: bool
    size: Any = None


def convert(value: Any, context: Context) -> dict[str, list[Any]]:
    """Return what the volumes of a service become: under ``volumes``, ``tmpfs`` and ``files``."""
    found: dict[str, list[Any]] = {"volumes": [], "tmpfs": [], "files": []}
    targets: set[str] = set()
    for index, item in enumerate(context.items(value, "volumes")):
        volume = (
            _long(item, index, context) if isinstance(item, dict) else _short(item, index, context)
        )
        if volume is None:
            continue
        target = volume.target.rstrip("/") or "/"
        if target in targets:
            context.notes.dropped(context.at("volumes", index), f"{target} is mounted already")
            continue
        place = _placed(volume, target, index, context)
        if place is not None:
            targets.add(target)
            found[place[0]].append(place[1])
    return found


def _short(item: Any, index: int, context: Context) -> _Volume | None:
    if isinstance(item, list):
        context.refuse(item, "a volume", "volumes", index)
        return None
    text = context.value(item, "volumes", index).strip()
    parts = text.split(":")
    if len(parts) > 2 and re.fullmatch("[A-Za-z]", parts[0]) and parts[2].startswith("/"):
        parts = [":".join(parts[:2]), *parts[2:]]  # C:\folder:/target
    flags = parts.pop() if len(parts) > 2 and _OPTIONS.fullmatch(parts[-1]) else ""
    if len(parts) > 2 or not parts[-1].startswith("/"):
        context.refuse(item, "a volume with an absolute path in the container", "volumes", index)
        return None
    # A variable without a value names a folder all the same.
    source = parts[0] or plain_text(item).partition(":")[0] if len(parts) == 2 else ""
    kind = "bind" if _PATH.search(source) else "volume"
    return _Volume(kind, source, parts[-1], "ro" in flags.split(","))


def _long(item: dict[str, Any], index: int, context: Context) -> _Volume | None:
    target = context.value(item.get("target"), "volumes", index, "target")
    if not target.startswith("/"):
        context.refuse(item.get("target"), "an absolute path", "volumes", index, "target")
        return None
    source = context.value(item.get("source"), "volumes", index, "source")
    tmpfs = item.get("tmpfs")
    return _Volume(
        plain_text(item.get("type") or "volume"),
        source,
        target,
        item.get("read_only") is True,
        tmpfs.get("size") if isinstance(tmpfs, dict) else None,
    )


def _placed(volume: _Volume, target: str, index: int, context: Context) -> tuple[str, Any] | None:
    """Return the part of the service that a volume goes to, and its entry there."""
    place = context.at("volumes", index)
    if volume.type == "tmpfs":
        return "tmpfs", _in_memory(target, volume.size, context, "volumes", index)
    if volume.type == "bind":
        return _bound(volume, target, index, context)
    if volume.type != "volume":
        context.notes.dropped(place, f"volumes of the type {volume.type} can't be had")
        return None
    if not volume.source:
        why = "it has no name, so its content would go with the container anyway"
        context.notes.dropped(place, why, "write {type: workspace, target: ...} to keep it")
        return None
    if context.volumes == "workspace":
        context.folders.add(volume.source)
        message = f"the volume {volume.source} is the namespace's workspace, mounted at {target}"
        context.notes.add(place, message)
        return "volumes", _entry({"type": "workspace"}, target, volume)
    storage = naming.slug(_own_name(volume.source, context), chars=40, otherwise="data")
    context.notes.add(
        place,
        f"the volume {volume.source} is the storage {storage}, which the operator sets up",
        f"ask for [storage.{storage}] in zoe.toml, or import with --volumes workspace",
    )
    return "volumes", _entry({"type": "volume", "source": storage}, target, volume)


def _own_name(source: str, context: Context) -> str:
    """Return the name that a volume has outside of the file, if it says so."""
    declared = context.top.get("volumes")
    entry = declared.get(source) if isinstance(declared, dict) else None
    name = entry.get("name") if isinstance(entry, dict) else None
    return context.variables.value(plain_text(name), ("volumes", source)) if name else source


def _entry(kind: dict[str, str], target: str, volume: _Volume) -> dict[str, Any]:
    entry: dict[str, Any] = {**kind, "target": target}
    if volume.is_read_only:
        entry["read_only"] = True
    return entry


def _bound(volume: _Volume, target: str, index: int, context: Context) -> tuple[str, Any] | None:
    place, source = context.at("volumes", index), volume.source
    if _OF_THE_NODE.fullmatch(source):
        why = f"{source} belongs to the node, and no container sees that"
        context.notes.dropped(place, why)
        return None
    name = source.rstrip("/").rpartition("/")[2]
    if not source.endswith("/") and _A_FILE.fullmatch(name) and _is_file(target):
        return "files", _file(name, target, source, ("volumes", index), context)
    context.folders.add(source)
    context.notes.add(
        place,
        f"folders of the node can't be mounted: the workspace is at {target} in place of {source}",
        "put what the folder holds into the workspace, or leave the volume out",
    )
    return "volumes", _entry({"type": "workspace"}, target, volume)


def _is_file(target: str) -> bool:
    return "." in target.rpartition("/")[2] or target.rpartition("/")[2].endswith("file")


def _file(
    name: str, target: str, source: str, parts: tuple[str | int, ...], context: Context
) -> dict[str, str]:
    """Return a file of the repository that stands for one beside the Compose file."""
    own = _FILE_SOURCE.sub("-", name).lstrip(".-_") or "file"
    context.notes.add(
        context.at(*parts),
        f"{source} is files/{own} of the repository, read-only",
        f"copy it to files/{own} beside the manifest",
    )
    return {"source": f"files/{own}", "target": target}


def in_memory(value: Any, context: Context) -> list[Any]:
    """Return the file systems in memory of a service."""
    found = []
    for index, item in enumerate(context.items(value, "tmpfs")):
        if isinstance(item, (dict, list)):
            context.refuse(item, "a path", "tmpfs", index)
            continue
        target, _, options = context.value(item, "tmpfs", index).partition(":")
        sizes = [part[5:] for part in options.split(",") if part.startswith("size=")]
        found.append(_in_memory(target, sizes[0] if sizes else None, context, "tmpfs", index))
    return found


def _in_memory(target: str, size: Any, context: Context, *parts: str | int) -> Any:
    amount = context.measured(amounts.memory, size, *parts, what="an amount of memory")
    return {"target": target, "size": amount} if amount else target


def secrets(value: Any, context: Context) -> list[Any]:
    """Return the secrets that a service mounts, each from a Swarm secret of the operator's."""
    found: list[Any] = []
    for index, item in enumerate(context.items(value, "secrets")):
        entry = item if isinstance(item, dict) else {"source": item}
        source = context.value(entry.get("source"), "secrets", index)
        if not _SECRET_NAME.fullmatch(source):
            context.refuse(entry.get("source"), "the name of a secret", "secrets", index)
            continue
        context.secrets.setdefault(source, {"swarm": _swarm_secret(source, context)})
        mount = {"source": source}
        target = plain_text(entry.get("target"))
        if target and target.rpartition("/")[2] != source:
            mount["target"] = target.rpartition("/")[2]
        if target.startswith("/") and not target.startswith("/run/secrets/"):
            message = f"it is /run/secrets/{target.rpartition('/')[2]} here, not {target}"
            context.notes.add(context.at("secrets", index), message)
        mount |= {key: plain_text(entry[key]) for key in ("uid", "gid") if entry.get(key)}
        mount |= {"mode": mode} if (mode := _mode(entry.get("mode"))) else {}
        found.append(mount if len(mount) > 1 else source)
    return found


def _swarm_secret(source: str, context: Context) -> str:
    declared = context.top.get("secrets")
    entry = declared.get(source) if isinstance(declared, dict) else None
    entry = entry if isinstance(entry, dict) else {}
    external = entry.get("external")
    name = external.get("name") if isinstance(external, dict) else entry.get("name")
    swarm = context.variables.value(plain_text(name), ("secrets", source)) if name else source
    if not external:
        origin = next(
            (key for key in ("file", "environment", "content") if key in entry), "nothing"
        )
        context.notes.add(
            ("secrets", source),
            f"it came from {origin} there; here it is the Swarm secret {swarm}",
            "write {age: ...} in its place (zoe secret encrypt), or let the operator make it and "
            "grant it in the Namespace",
        )
    return swarm if _SECRET_NAME.fullmatch(swarm) else source


def configs(value: Any, context: Context) -> list[dict[str, str]]:
    """Return the configs of a service as files of the repository."""
    declared = context.top.get("configs")
    found = []
    for index, item in enumerate(context.items(value, "configs")):
        entry = item if isinstance(item, dict) else {"source": item}
        source = context.value(entry.get("source"), "configs", index)
        if not source:
            context.notes.dropped(context.at("configs", index), f"{kind_of(item)} names no config")
            continue
        about = declared.get(source) if isinstance(declared, dict) else None
        path = plain_text(about.get("file")) if isinstance(about, dict) else ""
        name = path.rpartition("/")[2] or source
        target = plain_text(entry.get("target")) or f"/{source}"
        file = _file(name, target, path or f"the config {source}", ("configs", index), context)
        if mode := _mode(entry.get("mode")):
            file["mode"] = mode
        found.append(file)
    return found


def _mode(value: Any) -> str:
    """Return permissions as octal digits: as text they are octal, as a number they aren't."""
    if isinstance(value, int) and not isinstance(value, bool):
        # 440 was meant as it looks; 0o440 can't be told from 288 any more.
        digits = str(value)
        return digits.zfill(4) if re.fullmatch("[0-7]{3}", digits) else f"{value & 0o777:04o}"
    text = plain_text(value).removeprefix("0o")
    return text.zfill(4) if re.fullmatch("[0-7]{1,4}", text) and value is not None else ""
