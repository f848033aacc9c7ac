"""Sources of manifests: a remote branch through a bare mirror, or the clone of a person."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import pygit2

from reconciler.config import SourceSettings
from reconciler.errors import NoSuchRevision, SourceUnavailable
from reconciler.git.access import Access, ownership_remedy
from reconciler.git.integrity import RepositoryCorrupt, disk_willing
from reconciler.git.mirror import Mirror
from reconciler.git.objects import Objects
from reconciler.git.provenance import GitProvenance
from reconciler.git.transfer import pull
from reconciler.ports import Commit, Tree
from reconciler.text import clean

TIP = "refs/zoe/source"
"""The one ref of a mirror: where the declared branch was at the last fetch."""

_SHORT_ID = re.compile(r"[0-9a-f]{7,40}")
_SHOWN_BRANCHES = 5
_BEFORE_ALL = Tree(
    commit=Commit(id="", author="", committed_at=datetime.fromtimestamp(0, UTC), message=""),
    files={},
)

T = TypeVar("T")


class GitSource:
    """A declared source. The directory ``mirror`` is its own; nothing is ever checked out.

    Not for use by several threads at once. A corrupt mirror is set aside and cloned anew, once
    between two fetches.
    """

    def __init__(self, settings: SourceSettings, mirror: Path) -> None:
        """Take the settings; nothing is opened before it is needed.

        Raises:
            ConfigError: The URL can't be used.
        """
        self._settings = settings
        self._access = Access(settings)
        self._mirror = Mirror(mirror)
        self._reader: Objects | None = None
        self._provenance = GitProvenance(self._objects, self._healing)
        self._may_heal = True

    @property
    def id(self) -> str:
        """The declared id."""
        return self._settings.id

    def fetch(self) -> str:
        """Bring the mirror up to date and return the tip. One round trip when nothing changed."""
        self._may_heal = True
        with disk_willing(str(self._mirror.directory)):
            return self._healing(self._fetch)

    def resolve(self, revision: str) -> str:
        """Return the commit id of the declared branch (by any of its names) or of a (short) id."""
        branch = self._settings.branch
        ref = TIP if revision in (branch, f"refs/heads/{branch}", TIP) else None
        return self._healing(lambda: _resolved(self._objects(), revision, ref))

    def commit(self, commit: str) -> Commit:
        """Return who committed what and when."""
        return self._healing(lambda: self._objects().commit(commit))

    def tree(self, commit: str) -> Tree:
        """Return path -> blob id of every regular file."""
        return self._healing(lambda: self._objects().tree(commit))

    def read(self, blob: str, *, limit_bytes: int) -> bytes:
        """Return a blob's bytes; ValueError if it is larger than ``limit_bytes``."""
        return self._healing(lambda: self._objects().read(blob, limit_bytes=limit_bytes))

    def is_descendant(self, commit: str, ancestor: str) -> bool:
        """Tell whether ``ancestor`` is ``commit`` or reachable from it."""
        return self._healing(lambda: self._objects().is_descendant(commit, ancestor))

    def provenance(self) -> GitProvenance:
        """Return the history."""
        return self._provenance

    def _healing(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except RepositoryCorrupt:
            if not self._may_heal:
                raise
            self._may_heal = False
            with self._mirror.locked():
                self._reader = None
                self._mirror.quarantine()
            self._fetch()
            return work()

    def _objects(self) -> Objects:
        if self._reader is None:
            self._reader = Objects(self._mirror.opened())
        return self._reader

    def _fetch(self) -> str:
        branch = self._settings.branch
        with self._mirror.locked():
            if self._reader is None:
                self._mirror.sweep()
            repository, objects = self._mirror.opened(), self._objects()
            pulled = pull(repository, objects, self._access, branch=branch, into=TIP)
            self._mirror.pack()
        self._let_go_of_moved()
        if pulled.tip is None:
            raise SourceUnavailable(self._no_branch(pulled.branches))
        return pulled.tip

    def _let_go_of_moved(self) -> None:
        """Open the mirror anew at the next use if its packs were put together."""
        if self._mirror.has_moved():
            self._reader = None
            self._mirror.let_go()

    def _no_branch(self, branches: Sequence[str]) -> str:
        url, branch = self._access.shown_url, self._settings.branch
        if not branches:
            return f"{url} has no commits: push a first one to {branch}"
        shown = ", ".join(clean(name, limit=60) for name in branches[:_SHOWN_BRANCHES])
        more = len(branches) - _SHOWN_BRANCHES
        return (
            f"{url} has no branch {branch}: push it, or set branch of source {self.id} to one of "
            f"those there: {shown}" + (f" and {more} more" if more > 0 else "")
        )


class LocalSource:
    """A clone that a person works in, read as it was committed. It is never written to."""

    def __init__(self, repository: pygit2.Repository, *, id: str = "local") -> None:  # noqa: A002
        self._repository = repository
        self._objects = Objects(repository)
        self._id = id

    @property
    def id(self) -> str:
        """The id that the caller gave it."""
        return self._id

    def fetch(self) -> str:
        """Return the commit at HEAD; nothing is fetched."""
        return self.resolve("HEAD")

    def resolve(self, revision: str) -> str:
        """Return the commit id of HEAD, a branch, a remote branch, a full ref name or an id."""
        if revision == "HEAD":
            candidates = ["HEAD"]
        elif revision.startswith("refs/"):
            candidates = [revision]
        else:
            candidates = [f"refs/heads/{revision}", f"refs/remotes/{revision}"]
        found = (name for name in candidates if self._objects.reference(name) is not None)
        return _resolved(self._objects, revision, next(found, None))

    def commit(self, commit: str) -> Commit:
        """Return who committed what and when."""
        return self._objects.commit(commit)

    def tree(self, commit: str) -> Tree:
        """Return path -> blob id of every regular file; "" has none."""
        return self._objects.tree(commit) if commit else _BEFORE_ALL

    def read(self, blob: str, *, limit_bytes: int) -> bytes:
        """Return a blob's bytes; ValueError if it is larger than ``limit_bytes``."""
        return self._objects.read(blob, limit_bytes=limit_bytes)

    def is_descendant(self, commit: str, ancestor: str) -> bool:
        """Tell whether ``ancestor`` is ``commit`` or reachable from it."""
        return self._objects.is_descendant(commit, ancestor)

    def provenance(self) -> GitProvenance:
        """Return the history of the clone."""
        return GitProvenance(lambda: self._objects, lambda work: work())


def open_local(path: Path, *, id: str = "local") -> LocalSource:  # noqa: A002
    """Return the clone that ``path`` lies in, to be read and never written.

    Raises:
        SourceUnavailable: There is none, or it belongs to somebody else.
    """
    try:
        found = pygit2.discover_repository(str(path))
        if found is None:
            raise SourceUnavailable(f"{path} isn't in a Git repository: run `git init` there")
        return LocalSource(pygit2.Repository(found), id=id)
    except (pygit2.GitError, KeyError, ValueError) as error:
        if "not owned by current user" in str(error):
            raise SourceUnavailable(ownership_remedy(str(path.absolute()))) from error
        raise SourceUnavailable(f"can't open {path}: {clean(str(error), limit=200)}") from error


def _resolved(objects: Objects, revision: str, ref: str | None) -> str:
    """Return the commit of ``ref``, else the one that starts with ``revision``. No guesses."""
    found = objects.reference(ref) if ref is not None else None
    if found is None and _SHORT_ID.fullmatch(revision):
        found = objects.by_prefix(revision)
    if found is None:
        raise NoSuchRevision(
            f"there is no commit or branch {clean(revision, limit=100)}: give a branch, or at "
            "least 7 digits of a commit"
        )
    return found
