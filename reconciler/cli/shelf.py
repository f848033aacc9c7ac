"""The ZApps to choose from: those of a clone, and those that come with the installation."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconciler.cli.init import example_repository
from reconciler.errors import ConfigError
from reconciler.manifest import source_map
from reconciler.manifest.suggest import did_you_mean


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A ZApp. ``folder`` holds its zapp.yaml, and what belongs to it."""

    name: str
    title: str
    type: str
    parameters: Mapping[str, Mapping[str, Any]]
    folder: Path
    is_in_clone: bool


def entries(root: Path) -> list[Entry]:
    """Return the ZApps by name; one of the clone hides one of the installation."""
    found: dict[str, Entry] = {}
    for folder, is_in_clone in ((root / "zapps", True), *_supplied()):
        for path in sorted(folder.glob("*/zapp.yaml")):
            for entry in _read(path, is_in_clone=is_in_clone):
                found.setdefault(entry.name, entry)
    return [found[name] for name in sorted(found)]


def find(root: Path, name: str) -> Entry:
    """Return a ZApp.

    Raises:
        ConfigError: There is none of that name; the message names a similar one.
    """
    known = {entry.name: entry for entry in entries(root)}
    if name not in known:
        raise ConfigError(f"no ZApp {name}: {did_you_mean(name, known, otherwise='none at all')}")
    return known[name]


def copy(entry: Entry, root: Path) -> list[Path]:
    """Copy a ZApp of the installation into the clone; return the files that were written.

    How its image is built stays behind: nothing reads that in a configuration repository.

    Raises:
        ConfigError: Something is where it belongs.
    """
    target = root / "zapps" / entry.folder.name
    if target.exists():
        raise ConfigError(f"{target} is there, but holds no ZApp {entry.name}: rename one of them")
    shutil.copytree(
        entry.folder,
        target,
        ignore=lambda folder, _: {"image"} if Path(folder) == entry.folder else set(),
    )
    return sorted(path for path in target.rglob("*") if path.is_file())


def _supplied() -> Iterator[tuple[Path, bool]]:
    example = example_repository()
    yield example.parent / "zapps", False
    yield example / "zapps", False


def _read(path: Path, *, is_in_clone: bool) -> Iterator[Entry]:
    """Yield the ZApps of a file; what isn't one is ``zoe validate``'s to tell."""
    if path.is_symlink() or path.parent.is_symlink():
        return
    for document in source_map.read(path.read_bytes(), file=path.name).documents:
        match document.value:
            case {"kind": "ZApp", "metadata": {"name": str(name)} as metadata, "spec": dict(spec)}:
                parameters = spec.get("parameters", {})
                yield Entry(
                    name=name,
                    title=str(metadata.get("title", "")),
                    type=str(spec.get("type", "")),
                    parameters=parameters if isinstance(parameters, dict) else {},
                    folder=path.parent,
                    is_in_clone=is_in_clone,
                )
            case _:
                pass
