"""Laying files over a tree without a work tree: only the directories on the way are rebuilt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import pygit2
from pygit2.enums import FileMode

_Nested: TypeAlias = "dict[str, _Nested | bytes | None]"


def overlay(
    repository: pygit2.Repository, base: pygit2.Oid | None, files: Mapping[str, bytes | None]
) -> pygit2.Oid:
    """Return the id of the tree ``base`` with ``files`` written or, for None, removed.

    Every other path stays. Directories left empty go. O(changed files x depth).

    Raises:
        ValueError: A path is both a file and a directory.
    """
    tree = _overlay(repository, base, _nested(files))
    return repository.TreeBuilder().write() if tree is None else tree


def _nested(files: Mapping[str, bytes | None]) -> _Nested:
    root: _Nested = {}
    for path, data in files.items():
        *directories, name = path.split("/")
        level = root
        for directory in directories:
            match level.setdefault(directory, {}):
                case dict() as child:
                    level = child
                case _:
                    raise ValueError(f"{path}: {directory} is a file")
        if name in level:
            raise ValueError(f"{path} is a directory")
        level[name] = data
    return root


def _overlay(
    repository: pygit2.Repository, base: pygit2.Oid | None, changes: _Nested
) -> pygit2.Oid | None:
    """Return the new tree's id, or None if nothing is left in it."""
    tree = None if base is None else repository[base].peel(pygit2.Tree)
    builder = repository.TreeBuilder() if tree is None else repository.TreeBuilder(tree)
    for name, change in changes.items():
        entry: pygit2.Object | None = builder.get(name)
        directory = entry.id if entry is not None and entry.filemode == FileMode.TREE else None
        if isinstance(change, dict):
            below = _overlay(repository, directory, change)
            if below is not None:
                builder.insert(name, below, FileMode.TREE)
            elif directory is not None:
                builder.remove(name)
        elif change is not None:
            builder.insert(name, repository.create_blob(change), FileMode.BLOB)
        elif entry is not None and directory is None:
            builder.remove(name)
    return builder.write() if len(builder) else None
