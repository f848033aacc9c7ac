"""Reading commits, trees and blobs of a bare or local repository by id, within bounds.

What is read was written by people who don't trust one another: headers come before contents,
sizes before loops, and nothing is ever checked out.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import pygit2
from pygit2.enums import ObjectType

from reconciler.errors import NotAFile, SourceUnavailable
from reconciler.git.integrity import RepositoryCorrupt, parsed, whole
from reconciler.git.walk import MAX_ENTRIES, Walker
from reconciler.ports import Commit, Tree
from reconciler.text import clean, decode

MAX_COMMIT_BYTES = 1024**2

_PERSON_LIMIT = 120  # a name and an address, each
_MESSAGE_LIMIT = 4096
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_SECOND = 253_402_300_799  # 9999-12-31T23:59:59Z: the end of datetime
_FULL_ID_DIGITS = 40


class Objects:
    """Reads one repository. Not for use by several threads at once."""

    def __init__(self, repository: pygit2.Repository, *, max_entries: int = MAX_ENTRIES) -> None:
        self._repository = repository
        self._walker = Walker(repository, max_entries=max_entries)

    @property
    def repository(self) -> pygit2.Repository:
        """The repository, for what isn't read by id."""
        return self._repository

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
        with whole(f"the tree of {commit[:12]}"):
            walk = self._walker.walk(self._commit(commit).tree_id)
        return Tree(
            commit=self.commit(commit),
            files=MappingProxyType(walk.files),
            refused=tuple(walk.refused),
        )

    def raw(self, commit: str) -> bytes:
        """Return a commit object's bytes."""
        found = self._commit(commit)
        with whole(f"the commit {commit[:12]}"):
            return bytes(found.read_raw())

    def root(self, commit: str) -> str:
        """Return the id of a commit's tree."""
        return str(self._commit(commit).tree_id)

    def read(self, blob: str, *, limit_bytes: int) -> bytes:
        """Return a blob's bytes; the size is known from the header before anything is inflated."""
        oid = _full_id(blob)
        if oid is None or oid not in self._repository.odb:
            if self._walker.has_listed(blob):
                raise RepositoryCorrupt(f"the file {blob[:12]} is in a tree but not in the mirror")
            raise SourceUnavailable(f"there is no file {clean(blob, limit=40)} in the mirror")
        with whole(f"the file {blob[:12]}"):
            kind, size = self._repository.odb.read_header(oid)
            if kind != ObjectType.BLOB:
                raise NotAFile(f"{blob} is not a file")
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
        return parsed(self._repository, oid, f"the commit {commit[:12]}").peel(pygit2.Commit)


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
