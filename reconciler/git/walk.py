"""Listing the files of a tree, within bounds, without reading one. Directories are cached by id."""

from __future__ import annotations

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
class _Level:
    """One directory: its own files by full path, its directories, what was refused."""

    files: dict[str, str]
    directories: tuple[tuple[pygit2.Oid, str], ...]
    refused: tuple[RefusedEntry, ...]
    entries: int


@dataclass(slots=True)
class Walk:
    """One reading of a whole tree, as far as it got."""

    max_entries: int
    files: dict[str, str] = field(default_factory=dict)
    refused: list[RefusedEntry] = field(default_factory=list)
    levels: dict[tuple[pygit2.Oid, str], _Level] = field(default_factory=dict)
    entries: int = 0

    def spend(self, entries: int) -> None:
        """Count entries. A tree of few objects can unfold into billions of paths."""
        self.entries += entries
        if self.entries > self.max_entries:
            raise SourceUnavailable(
                f"the tree has more than {self.max_entries} entries: split the repository"
            )


class Walker:
    """Walks the trees of one repository, and remembers the directories of the last walk."""

    def __init__(self, repository: pygit2.Repository, *, max_entries: int) -> None:
        self._repository = repository
        self._max_entries = max_entries
        self._levels: dict[tuple[pygit2.Oid, str], _Level] = {}

    def walk(self, tree_id: pygit2.Oid) -> Walk:
        """Return every file and refusal. O(directories) where they were seen in the last walk.

        Raises:
            SourceUnavailable: The tree is too wide, too deep, or malformed.
            RepositoryCorrupt, pygit2.GitError, KeyError: A part of it is missing or damaged.
        """
        walk = Walk(self._max_entries)
        self._walk(tree_id, "", 1, walk)
        self._levels = walk.levels
        return walk

    def has_listed(self, blob: str) -> bool:
        """Tell whether the last walk came upon this file."""
        return any(blob in level.files.values() for level in self._levels.values())

    def _walk(self, tree_id: pygit2.Oid, prefix: str, depth: int, walk: Walk) -> None:
        if depth > names.MAX_DEPTH:
            raise SourceUnavailable(
                f"{prefix} is more than {names.MAX_DEPTH} directories deep: make it flatter"
            )
        key = (tree_id, prefix)
        level = walk.levels.get(key) or self._levels.get(key)
        if level is None:
            level = self._level(tree_id, prefix, walk)
        else:
            walk.spend(level.entries)
        walk.levels[key] = level
        walk.files.update(level.files)
        walk.refused.extend(level.refused)
        for child, path in level.directories:
            self._walk(child, path, depth + 1, walk)

    def _level(self, tree_id: pygit2.Oid, prefix: str, walk: Walk) -> _Level:
        _, size = self._repository.odb.read_header(tree_id)
        if size > MAX_TREE_BYTES:
            raise SourceUnavailable(
                f"the directory {prefix or '/'} takes {size} bytes: at most {MAX_TREE_BYTES}"
            )
        found = parsed(self._repository, tree_id, f"the directory {prefix or '/'}")
        if not isinstance(found, pygit2.Tree):
            raise SourceUnavailable(f"{prefix} is no directory, though its entry says so")
        walk.spend(len(found))
        return _sorted_out(found, prefix)


def _sorted_out(tree: pygit2.Tree, prefix: str) -> _Level:
    """Split one directory into files, directories and what is never read."""
    files: dict[str, str] = {}
    directories: list[tuple[pygit2.Oid, str]] = []
    refused: list[RefusedEntry] = []
    twins = names.twins(entry.raw_name or b"" for entry in tree)
    for entry in tree:
        raw = entry.raw_name or b""
        reason = names.refusal(raw)
        if reason is None and raw.lower() in twins:
            reason = "another entry has the same name, or one that differs by case only"
        mode = entry.filemode
        reason = reason or _MODE_REFUSALS.get(mode)
        if reason is not None:
            refused.append(RefusedEntry(path=prefix + names.shown(raw), reason=reason))
        elif mode == FileMode.TREE:
            directories.append((entry.id, f"{prefix}{raw.decode()}/"))
        elif mode in _REGULAR:
            files[prefix + raw.decode()] = str(entry.id)
        else:
            refused.append(
                RefusedEntry(path=prefix + raw.decode(), reason=f"not a regular file: {mode:o}")
            )
    return _Level(
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
