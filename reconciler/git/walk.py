"""Listing the files of a tree, within bounds, without reading one. Directories are cached by id."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pygit2
from pygit2.enums import FileMode

from reconciler.errors import SourceUnavailable
from reconciler.git import names
from reconciler.git.integrity import parsed
from reconciler.ports import RefusedEntry

MAX_ENTRIES = 100_000
MAX_TREE_BYTES = 16 * 1024**2


@dataclass(frozen=True, slots=True, kw_only=True)
class _Directory:
    """What one holds, by name: files, directories, what is never read and why."""

    files: dict[str, str]
    directories: tuple[tuple[pygit2.Oid, str], ...]
    refused: tuple[tuple[str, str], ...]
    entries: int


@dataclass(slots=True)
class Walk:
    """The paths of a tree."""

    files: dict[str, str] = field(default_factory=dict)
    refused: list[RefusedEntry] = field(default_factory=list)


class Walker:
    """Walks the trees of one repository, and remembers the directories of the last walk."""

    def __init__(self, repository: pygit2.Repository, *, max_entries: int) -> None:
        self._repository = repository
        self._max_entries = max_entries
        self._directories: dict[pygit2.Oid, _Directory] = {}

    def walk(self, tree_id: pygit2.Oid) -> Walk:
        """Return every file and refusal. Reads only directories that weren't in the last walk.

        Raises:
            SourceUnavailable: The tree is too wide, too deep, or malformed.
            RepositoryCorrupt, pygit2.GitError, KeyError: A part of it is missing or damaged.
        """
        weighing = _Weighing(self._repository, self._max_entries, self._directories)
        weighing.weigh(tree_id, "", 1)
        self._directories = weighing.directories
        walk = Walk()
        self._walk(tree_id, "", walk)
        return walk

    def has_listed(self, blob: str) -> bool:
        """Tell whether the last walk came upon this file."""
        return any(blob in found.files.values() for found in self._directories.values())

    def _walk(self, tree_id: pygit2.Oid, prefix: str, walk: Walk) -> None:
        here = self._directories[tree_id]
        walk.files.update({prefix + name: blob for name, blob in here.files.items()})
        walk.refused.extend(
            RefusedEntry(path=prefix + name, reason=reason) for name, reason in here.refused
        )
        for child, name in here.directories:
            self._walk(child, f"{prefix}{name}/", walk)


class _Weighing:
    """Counts what a tree unfolds into before any path is made: few objects can be billions."""

    def __init__(
        self,
        repository: pygit2.Repository,
        max_entries: int,
        before: Mapping[pygit2.Oid, _Directory],
    ) -> None:
        self._repository = repository
        self._max_entries = max_entries
        self._before = before
        self._weights: dict[pygit2.Oid, tuple[int, int]] = {}
        self.directories: dict[pygit2.Oid, _Directory] = {}

    def weigh(self, tree_id: pygit2.Oid, prefix: str, depth: int) -> tuple[int, int]:
        """Return the entries below a directory, and how many levels; each object is read once."""
        if tree_id not in self._weights:
            _check_depth(prefix, depth)
            self._weights[tree_id] = self._weighed(tree_id, prefix, depth)
        entries, levels = self._weights[tree_id]
        _check_depth(prefix, depth + levels)
        return entries, levels

    def _weighed(self, tree_id: pygit2.Oid, prefix: str, depth: int) -> tuple[int, int]:
        found = self._before.get(tree_id)
        if found is None:
            found = _read(self._repository, tree_id, prefix)
        self.directories[tree_id] = found
        entries, levels = found.entries, 0
        self._check_width(entries)
        for child, name in found.directories:
            below, under = self.weigh(child, f"{prefix}{name}/", depth + 1)
            entries, levels = entries + below, max(levels, under + 1)
            self._check_width(entries)
        return entries, levels

    def _check_width(self, entries: int) -> None:
        if entries > self._max_entries:
            raise SourceUnavailable(
                f"the tree has more than {self._max_entries} entries: split the repository"
            )


def _check_depth(prefix: str, depth: int) -> None:
    if depth > names.MAX_DEPTH:
        raise SourceUnavailable(
            f"{prefix} is more than {names.MAX_DEPTH} directories deep: make it flatter"
        )


def _read(repository: pygit2.Repository, tree_id: pygit2.Oid, prefix: str) -> _Directory:
    _, size = repository.odb.read_header(tree_id)
    if size > MAX_TREE_BYTES:
        raise SourceUnavailable(
            f"the directory {prefix or '/'} takes {size} bytes: at most {MAX_TREE_BYTES}"
        )
    found = parsed(repository, tree_id, f"the directory {prefix or '/'}")
    if not isinstance(found, pygit2.Tree):
        raise SourceUnavailable(f"{prefix} is no directory, though its entry says so")
    return _sorted_out(found)


def _sorted_out(tree: pygit2.Tree) -> _Directory:
    """Split one directory into files, directories and what is never read."""
    files: dict[str, str] = {}
    directories: list[tuple[pygit2.Oid, str]] = []
    refused: list[tuple[str, str]] = []
    twins = names.twins(entry.raw_name or b"" for entry in tree)
    for entry in tree:
        raw = entry.raw_name or b""
        reason = names.refusal(raw)
        if reason is None and raw.lower() in twins:
            reason = "another entry has the same name, or one that differs by case only"
        mode = entry.filemode
        reason = reason or _MODE_REFUSALS.get(mode)
        if reason is not None:
            refused.append((names.shown(raw), reason))
        elif mode == FileMode.TREE:
            directories.append((entry.id, raw.decode()))
        elif mode in _REGULAR:
            files[raw.decode()] = str(entry.id)
        else:
            refused.append((raw.decode(), f"not a regular file: {mode:o}"))
    return _Directory(
        files=files,
        directories=tuple(directories),
        refused=tuple(refused),
        entries=len(tree),
    )


_REGULAR = frozenset({FileMode.BLOB, FileMode.BLOB_EXECUTABLE})
_MODE_REFUSALS = {
    FileMode.LINK: "a symbolic link: put the file itself there",
    FileMode.COMMIT: "a submodule: put the files themselves there",
}
