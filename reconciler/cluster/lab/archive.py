"""Image archives as ``docker load`` reads them: layers, a configuration, a manifest. No engine."""

from __future__ import annotations

import io
import json
import platform
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path

from reconciler.cluster.lab.recipe import Recipe

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_NO_TIME = "1970-01-01T00:00:00Z"  # the same content is the same image


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image as a file. ``id`` is what the engines will call it."""

    archive: Path
    id: str
    tags: tuple[str, ...]


def write(target: Path, recipe: Recipe, layers: Sequence[Path]) -> None:
    """Write an archive of uncompressed layer tars, lowest first."""
    configuration = json.dumps(_configuration(recipe, layers), sort_keys=True).encode()
    names = [f"{index}.tar" for index in range(len(layers))]
    config_name = f"{sha256(configuration).hexdigest()}.json"
    manifest = [{"Config": config_name, "RepoTags": list(recipe.tags), "Layers": names}]
    with tarfile.open(target, "w") as archive:
        for name, layer in zip(names, layers, strict=True):
            archive.add(layer, name)
        _add(archive, config_name, configuration)
        _add(archive, "manifest.json", json.dumps(manifest).encode())


def read(archive: Path) -> Image:
    """Return the image in an archive that :func:`write` made."""
    with tarfile.open(archive) as file:
        data = file.extractfile("manifest.json")
        assert data is not None  # noqa: S101 - for the type checker: it is a regular file
        manifest = json.load(data)[0]
    digest = str(manifest["Config"]).removesuffix(".json")
    return Image(archive=archive, id=f"sha256:{digest}", tags=tuple(manifest["RepoTags"]))


def _configuration(recipe: Recipe, layers: Sequence[Path]) -> dict[str, object]:
    environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
    environment.update(recipe.environment)
    machine = platform.machine()
    return {
        "architecture": _ARCHITECTURES.get(machine, machine),
        "os": "linux",
        "created": _NO_TIME,
        "config": {
            "Env": [f"{name}={value}" for name, value in sorted(environment.items())],
            "User": f"{recipe.user.uid}:{recipe.user.gid}" if recipe.user else "",
            "WorkingDir": recipe.working_dir,
            "Entrypoint": list(recipe.entrypoint) or None,
            "Cmd": list(recipe.command) or None,
            "ExposedPorts": {f"{port}/tcp": {} for port in recipe.ports},
        },
        "rootfs": {"type": "layers", "diff_ids": [_digest(layer) for layer in layers]},
        "history": [{"created": _NO_TIME, "created_by": recipe.name} for _ in layers],
    }


def _digest(layer: Path) -> str:
    with layer.open("rb") as data:
        return f"sha256:{file_digest(data, 'sha256').hexdigest()}"


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))
