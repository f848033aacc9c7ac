"""Laying files over a tree without a work tree: only the directories on the way are rebuilt.

By their bytes: through libgit2 each entry is looked up on disk, and each object written alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import pygit2
from pygit2.enums import ObjectType

from reconciler.git.pack_file import PackFile

_Nested: TypeAlias = "dict[str, _Nested | bytes | None]"
_Entries: TypeAlias = "dict[bytes, tuple[bytes, bytes]]"
"""Name -> mode, and id as bytes."""

_TREE = b"40000"
_BLOB = b"100644"
_ID_BYTES = 20


def overlay(
    repository: pygit2.Repository, base: pygit2.Oid | None, files: Mapping[str, bytes | None]
) -> pygit2.Oid:
    """Return the id of the tree ``base`` with ``files`` written or, for None, removed.

    Every other path stays. Directories left empty go. O(changed files x depth).

    Raises:
        ValueError: A path is both a file and a directory.
    """
    pack = PackFile()
    tree = _overlay(repository, base, _nested(files), pack)
    tree = pack.add(ObjectType.TREE, b"") if tree is None else tree
    pack.write(repository)
    return pygit2.Oid(raw=tree)


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
    repository: pygit2.Repository, base: pygit2.Oid | None, changes: _Nested, pack: PackFile
) -> bytes | None:
    """Return the new tree's id, or None if nothing is left in it."""
    entries = {} if base is None else _entries(repository, base)
    for name, change in changes.items():
        key = name.encode()
        mode, there = entries.get(key, (b"", b""))
        if isinstance(change, dict):
            directory = pygit2.Oid(raw=there) if mode == _TREE else None
            below = _overlay(repository, directory, change, pack)
            if below is not None:
                entries[key] = (_TREE, below)
            elif directory is not None:
                del entries[key]
        elif change is not None:
            entries[key] = (_BLOB, pack.add(ObjectType.BLOB, change))
        elif mode and mode != _TREE:
            del entries[key]
    return pack.add(ObjectType.TREE, _tree(entries)) if entries else None


def _entries(repository: pygit2.Repository, tree: pygit2.Oid) -> _Entries:
    """Return the entries of a tree, as they are in its bytes."""
    data = repository[tree].peel(pygit2.Tree).read_raw()
    found: _Entries = {}
    at = 0
    while at < len(data):
        space = data.index(b" ", at)
        end = data.index(b"\0", space)
        mode = data[at:space].lstrip(b"0")  # which old programs pad with
        found[data[space + 1 : end]] = (mode, data[end + 1 : end + 1 + _ID_BYTES])
        at = end + 1 + _ID_BYTES
    return found


def _tree(entries: _Entries) -> bytes:
    """Return a tree's bytes; Git orders a folder as if its name ended in a slash."""
    ordered = sorted(entries.items(), key=lambda e: e[0] + b"/" if e[1][0] == _TREE else e[0])
    return b"".join(b"%s %s\0%s" % (mode, name, there) for name, (mode, there) in ordered)
