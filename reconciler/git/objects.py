"""Reading commits, trees and blobs of a bare or local repository by id, within bounds.

What is read was written by people who don't trust one another: headers come before contents,
sizes before loops, and nothing is ever checked out. Trees are cached by id.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import pygit2
from pygit2.enums import FileMode, ObjectType

from reconciler.errors import SourceUnavailable
from reconciler.git import names
from reconciler.git.text import clean, decode
from reconciler.ports import Commit, RefusedEntry, Tree

MAX_ENTRIES = 100_000
MAX_TREE_BYTES = 16 * 1024**2
MAX_COMMIT_BYTES = 1024**2

_PERSON_LIMIT = 120  # a name and an address, each
_MESSAGE_LIMIT = 4096
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_SECOND = 253_402_300_799  # 9999-12-31T23:59:59Z: the end of datetime
_FULL_ID_DIGITS = 40


class RepositoryCorrupt(SourceUnavailable):
    """An object that must be there is missing or damaged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Level:
    """One directory: its own files by full path, its directories, what was refused."""

    files: dict[str, str]
    directories: tuple[tuple[pygit2.Oid, str], ...]
    refused: tuple[RefusedEntry, ...]
    entries: int


@dataclass(slots=True)
class _Walk:
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


class Objects:
    """Reads one repository. Not for use by several threads at once."""

    def __init__(self, repository: pygit2.Repository, *, max_entries: int = MAX_ENTRIES) -> None:
        self._repository = repository
        self._max_entries = max_entries
        self._levels: dict[tuple[pygit2.Oid, str], _Level] = {}

    def commit(self, commit: str) -> Commit:
        """Return a commit's author, time, message and parents, cleaned and bounded."""
        found = self._commit(commit)
        declared = _declared_encoding(found)
        seconds = min(max(found.commit_time, 0), _LAST_SECOND)
        return Commit(
            id=str(found.id),
            author=_person(found.author, declared),
            committed_at=_EPOCH + timedelta(seconds=seconds),
            message=clean(
                decode(found.raw_message, declared=declared, limit=_MESSAGE_LIMIT + 1),
                limit=_MESSAGE_LIMIT,
                is_multiline=True,
            ),
            parents=tuple(str(parent) for parent in found.parent_ids),
        )

    def tree(self, commit: str) -> Tree:
        """Return the files of a commit. O(directories) for those that were seen before."""
        walk = _Walk(self._max_entries)
        with whole(f"the tree of {commit[:12]}"):
            self._walk(self._commit(commit).tree_id, "", 1, walk)
        self._levels = walk.levels
        return Tree(
            commit=self.commit(commit),
            files=MappingProxyType(walk.files),
            refused=tuple(walk.refused),
        )

    def read(self, blob: str, *, limit_bytes: int) -> bytes:
        """Return a blob's bytes; the size is known from the header before anything is inflated."""
        oid = _full_id(blob)
        if oid is None or oid not in self._repository.odb:
            if self._is_listed(blob):
                raise RepositoryCorrupt(f"the file {blob[:12]} is in a tree but not in the mirror")
            raise SourceUnavailable(f"there is no file {clean(blob, limit=40)} in the mirror")
        with whole(f"the file {blob[:12]}"):
            kind, size = self._repository.odb.read_header(oid)
            if kind != ObjectType.BLOB:
                raise SourceUnavailable(f"{blob} is not a file")
            if size > limit_bytes:
                raise ValueError(f"the file has {size} bytes: at most {limit_bytes}")
            _, data = self._repository.odb.read(oid)
        return bytes(data)

    def is_descendant(self, commit: str, ancestor: str) -> bool:
        """Tell whether ``ancestor`` is ``commit`` or reachable from it; an unknown one is not."""
        if commit == ancestor:
            return True
        child, parent = self._commit(commit).id, _full_id(ancestor)
        if parent is None or parent not in self._repository.odb:
            return False
        with whole(f"the history of {commit[:12]}"):
            return bool(self._repository.descendant_of(child, parent))

    def reference(self, name: str) -> str | None:
        """Return the commit id that a full ref name stands for, tags peeled; None if it isn't."""
        if not pygit2.reference_is_valid_name(name):
            return None
        with whole(f"the ref {name}"):
            found = self._repository.references.get(name)
            try:
                direct = None if found is None else found.resolve()
            except KeyError:  # HEAD before the first commit
                return None
            if direct is None:
                return None
            kind, _ = self._repository.odb.read_header(direct.target)
            if kind == ObjectType.COMMIT:
                return str(direct.target)
            return str(direct.peel(pygit2.Commit).id)

    def by_prefix(self, prefix: str) -> str | None:
        """Return the id of the one commit that starts with these hexadecimal digits."""
        try:
            oid = self._repository.expand_id(prefix)
        except pygit2.AmbiguousError as error:
            raise SourceUnavailable(f"{prefix} is ambiguous: give more digits") from error
        except (pygit2.GitError, KeyError, ValueError):
            return None
        if oid not in self._repository.odb:  # a full id is returned unseen
            return None
        with whole(f"the object {prefix}"):
            kind, _ = self._repository.odb.read_header(oid)
        return str(oid) if kind == ObjectType.COMMIT else None

    def _commit(self, commit: str) -> pygit2.Commit:
        oid = _full_id(commit)
        if oid is None or oid not in self._repository.odb:
            raise SourceUnavailable(f"there is no commit {clean(commit, limit=40)} in the mirror")
        with whole(f"the commit {commit[:12]}"):
            kind, size = self._repository.odb.read_header(oid)
            if kind != ObjectType.COMMIT:
                raise SourceUnavailable(f"{commit} is not a commit")
            if size > MAX_COMMIT_BYTES:
                raise SourceUnavailable(
                    f"the commit {commit} has {size} bytes: at most {MAX_COMMIT_BYTES}"
                )
        return self._parsed(oid, f"the commit {commit[:12]}").peel(pygit2.Commit)

    def _walk(self, tree_id: pygit2.Oid, prefix: str, depth: int, walk: _Walk) -> None:
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

    def _level(self, tree_id: pygit2.Oid, prefix: str, walk: _Walk) -> _Level:
        _, size = self._repository.odb.read_header(tree_id)
        if size > MAX_TREE_BYTES:
            raise SourceUnavailable(
                f"the directory {prefix or '/'} takes {size} bytes: at most {MAX_TREE_BYTES}"
            )
        found = self._parsed(tree_id, f"the directory {prefix or '/'}")
        if not isinstance(found, pygit2.Tree):
            raise SourceUnavailable(f"{prefix} is no directory, though its entry says so")
        walk.spend(len(found))
        return _sorted_out(found, prefix)

    def _parsed(self, oid: pygit2.Oid, what: str) -> pygit2.Object:
        try:
            return self._repository[oid]
        except (pygit2.GitError, KeyError) as error:
            with whole(what):
                self._repository.odb.read(oid)
            # Its bytes are those that its id promises: the author's doing, not the disk's.
            raise SourceUnavailable(
                f"{what} is malformed: {clean(str(error), limit=200)}"
            ) from error

    def _is_listed(self, blob: str) -> bool:
        return any(blob in level.files.values() for level in self._levels.values())


@contextmanager
def whole(what: str) -> Iterator[None]:
    """Translate what pygit2 raises for objects that must be there and aren't whole.

    Raises:
        RepositoryCorrupt: ``what`` can't be read.
    """
    try:
        yield
    except (pygit2.GitError, KeyError) as error:
        detail = clean(str(error), limit=200)
        raise RepositoryCorrupt(f"{what} can't be read: {detail}") from error


def _sorted_out(tree: pygit2.Tree, prefix: str) -> _Level:
    """Split one directory into files, directories and what is never read."""
    files: dict[str, str] = {}
    directories: list[tuple[pygit2.Oid, str]] = []
    refused: list[RefusedEntry] = []
    twins = _twins(tree)
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


def _twins(tree: pygit2.Tree) -> frozenset[bytes]:
    """Return the lower-case names that more than one entry has."""
    seen: set[bytes] = set()
    twice: set[bytes] = set()
    for entry in tree:
        folded = (entry.raw_name or b"").lower()
        (twice if folded in seen else seen).add(folded)
    return frozenset(twice)


def _full_id(text: str) -> pygit2.Oid | None:
    if len(text) != _FULL_ID_DIGITS:
        return None
    try:
        return pygit2.Oid(hex=text)
    except ValueError:
        return None


def _declared_encoding(commit: pygit2.Commit) -> str:
    try:
        return commit.message_encoding or ""
    except (LookupError, ValueError):
        return ""


def _person(signature: pygit2.Signature, declared: str) -> str:
    name, email = (
        clean(decode(raw, declared=declared, limit=_PERSON_LIMIT + 1), limit=_PERSON_LIMIT)
        for raw in (signature.raw_name, signature.raw_email)
    )
    return f"{name} <{email}>"
