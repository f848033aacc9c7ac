"""A configuration repository as it lies in a folder: what people's verbs work on."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from reconciler import config
from reconciler.clock import SystemClock
from reconciler.errors import ConfigError
from reconciler.manifest.catalogue import Catalogue, Loader
from reconciler.manifest.limits import DEFAULT_LIMITS
from reconciler.manifest.places import is_managed, place_of

_ROOT_MARKS = ("platform.yaml", "executions", "namespaces", "reservations", "sets", "zapps")
# What every execution is resolved against.
_SHARED = ("platform.yaml", "namespaces", "reservations", "sets", "zapps")

_LINK = "a symbolic link is never read"


@dataclass(frozen=True, slots=True)
class WorkTree:
    """What stands for the commit: nothing of this is committed yet."""

    id: str = "0" * 40
    author: str = ""
    committed_at: datetime = datetime(1970, 1, 1, tzinfo=UTC)


def find_root(path: Path) -> Path:
    """Return the configuration repository that a file or folder is in.

    Raises:
        ConfigError: It isn't in one.
    """
    if not path.exists():
        raise ConfigError(f"{path} isn't there")
    start = path.resolve()
    for folder in (start, *start.parents):
        if folder.is_dir() and any((folder / mark).exists() for mark in _ROOT_MARKS):
            return folder
        if (folder / ".git").exists():
            return folder
    raise ConfigError(f"{path} isn't in a configuration repository: zoe init DIR writes one")


def files_of(root: Path, folders: Iterator[str] | None = None) -> dict[str, str]:
    """Return path -> path of the regular files in managed places; a path is its own blob id."""
    found: dict[str, str] = {}
    for top in folders if folders is not None else iter(_ROOT_MARKS):
        start = root / top
        if start.is_symlink():
            continue
        if start.is_file():
            found[top] = top
        for folder, _, names in os.walk(start):
            for name in names:
                path = Path(folder, name)
                if not path.is_symlink():
                    relative = path.relative_to(root).as_posix()
                    found[relative] = relative
    return found


def links_of(root: Path) -> list[tuple[str, str]]:
    """Return the symbolic links in managed places: they are never followed."""
    links = [(top, _LINK) for top in _ROOT_MARKS if (root / top).is_symlink()]
    for top in _ROOT_MARKS:
        for folder, names, others in os.walk(root / top):
            for name in (*names, *others):
                path = Path(folder, name)
                relative = path.relative_to(root).as_posix()
                if path.is_symlink() and is_managed(relative):
                    links.append((relative, _LINK))
    return links


def needed_for(root: Path, selected: Mapping[str, str]) -> dict[str, str]:
    """Return the selected files and those that they are resolved against.

    A namespace's executions may refer to one another, so they come along whole; other
    namespaces', which may be thousands, don't.
    """
    places = [place for path in selected if (place := place_of(path)) is not None]
    folders = {f"executions/{place.folder}" for place in places if place.kind == "Execution"}
    return files_of(root, iter([*_SHARED, *sorted(folders)]))


@dataclass(frozen=True, slots=True)
class Tenancy:
    """That a repository is a group's own: its source's id, and where the platform's lies."""

    source_id: str
    platform: Path


def load(root: Path, files: Mapping[str, str], *, tenancy: Tenancy | None = None) -> Catalogue:
    """Return what files of a repository say, under the settings beside it or the defaults.

    Of a tenant's those beside the platform's repository count, and what that lends.

    Raises:
        ConfigError: The settings are wrong.
    """
    settings = config.load(directory=tenancy.platform if tenancy else root)
    lent = load(tenancy.platform, files_of(tenancy.platform)).lent if tenancy else None
    loader = Loader(
        deployment=settings.deployment,
        source_id=tenancy.source_id if tenancy else _source_id(settings),
        security_profiles=tuple(settings.security_profiles),
        storages={name: storage.namespaces for name, storage in settings.storage.items()},
    )
    commit = WorkTree()

    def read(path: str) -> bytes:
        if (root / path).stat().st_size > DEFAULT_LIMITS.attachment_bytes:
            raise ValueError(path)
        return (root / path).read_bytes()

    return loader.load(
        files,
        read,
        commit=commit,
        commit_of=lambda _: commit,
        good={},
        refused=links_of(root),
        now=SystemClock().now(),
        lent=lent,
    )


def _source_id(settings: config.Settings) -> str:
    return settings.platform_source.id if settings.sources else "platform"
