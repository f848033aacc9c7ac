"""Which paths a commit changes itself, compared directory by directory by id, within bounds.

A merge decides nothing where its sides agree, or where only one of them changed something since
they parted. Comparing with "differs from all parents" isn't enough: a merge with an old commit
could take anything back to what it was there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pygit2
from pygit2.enums import FileMode

from reconciler.errors import SourceUnavailable
from reconciler.git import names
from reconciler.git.integrity import parsed
from reconciler.git.walk import MAX_ENTRIES, MAX_TREE_BYTES

_Value = tuple[str, str] | None
"""What stands at a name: mode and id; None = nothing."""

_Level = Mapping[bytes, tuple[str, str]]
_Trees = tuple[str | None, ...]

MOST_KEPT = 4_000
"""Entries of all directories that are remembered; one that is wider is remembered alone."""


class Levels:
    """What directories hold, by their ids: commits that follow each other share most of theirs."""

    def __init__(self) -> None:
        self._kept: dict[str, _Level] = {}
        self.entries = 0

    def get(self, tree: str) -> _Level | None:
        """Return what is remembered of a directory."""
        return self._kept.get(tree)

    def put(self, tree: str, level: _Level) -> None:
        """Remember it, and all others no more where that would be too much."""
        if self.entries + len(level) > MOST_KEPT:
            self._kept, self.entries = {}, 0
        self._kept[tree] = level
        self.entries += len(level) + 1  # an empty one takes room too


@dataclass(slots=True)
class Comparison:
    """One result against its parents and the commits at which they parted (merge bases)."""

    repository: pygit2.Repository
    levels: Levels
    parents: int
    paths: set[str] = field(default_factory=set)
    entries: int = 0

    def compare(self, trees: _Trees, prefix: str = "", depth: int = 1) -> None:
        """Collect the paths of ``trees``: the result's, each parent's, each merge base's.

        Raises:
            SourceUnavailable: Too wide or too deep.
        """
        if depth > names.MAX_DEPTH:
            raise SourceUnavailable(
                f"{prefix} is more than {names.MAX_DEPTH} directories deep: make it flatter"
            )
        result, *others = levels = [self._level(tree, prefix) for tree in trees]
        differing = {raw for other in others for raw, _ in result.items() ^ other.items()}
        for raw in sorted(differing):
            self._entry(raw, [level.get(raw) for level in levels], prefix, depth)

    def _entry(self, raw: bytes, values: Sequence[_Value], prefix: str, depth: int) -> None:
        path = prefix + names.shown(raw)
        below: _Trees = tuple(_tree(value) for value in values)
        leaves: list[_Value] = [None if _tree(value) else value for value in values]
        if not self._is_given(leaves):
            self.paths.add(path)
        if not self._is_given(below):
            self.compare(below, path + "/", depth + 1)

    def _is_given(self, values: Sequence[object]) -> bool:
        """Tell whether the result is what the parents give, whichever merge base is asked."""
        result, parents = values[0], values[1 : 1 + self.parents]
        bases = values[1 + self.parents :]
        if all(result == parent for parent in parents):
            return True
        if len(parents) != 2:
            return False
        one, other = parents
        return all(
            (one == base and result == other) or (other == base and result == one)
            for base in bases or (None,)
        )

    def _level(self, tree: str | None, prefix: str) -> _Level:
        if tree is None:
            return {}
        level = self.levels.get(tree)
        if level is None:
            level = _values(self._read(tree, prefix))
            self.levels.put(tree, level)
        self.entries += len(level)
        if self.entries > MAX_ENTRIES:
            raise SourceUnavailable(f"a commit changes more than {MAX_ENTRIES} entries: split it")
        return level

    def _read(self, tree: str, prefix: str) -> pygit2.Tree:
        oid = pygit2.Oid(hex=tree)
        _, size = self.repository.odb.read_header(oid)
        if size > MAX_TREE_BYTES:
            raise SourceUnavailable(
                f"the directory {prefix or '/'} takes {size} bytes: at most {MAX_TREE_BYTES}"
            )
        found = parsed(self.repository, oid, f"the directory {prefix or '/'}")
        if not isinstance(found, pygit2.Tree):
            raise SourceUnavailable(f"{prefix} is no directory, though its entry says so")
        return found


def _tree(value: _Value) -> str | None:
    return value[1] if value is not None and value[0] == _TREE else None


_TREE = f"{FileMode.TREE:o}"
_TWIN = "twin"


def _values(tree: pygit2.Tree) -> _Level:
    """Return what stands at each name; of twins, which are never read, that they are there.

    So whoever adds a twin of somebody's file, which takes that out of sight, changes that file.
    """
    entries = [(entry.raw_name or b"", f"{entry.filemode:o}", str(entry.id)) for entry in tree]
    twins = names.twins(raw for raw, *_ in entries)
    values: dict[bytes, tuple[str, str]] = {}
    for raw, mode, oid in entries:
        if raw.lower() in twins:
            mode, oid = _TWIN, values.get(raw, ("", ""))[1] + oid
        values[raw] = (mode, oid)
    return values
