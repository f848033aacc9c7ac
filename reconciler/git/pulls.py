"""The heads of pull requests, in a bare repository of their own beside the source's mirror.

Anybody may propose anything, so what is fetched here never meets what is desired: it is bounded
in size, one at a time, and thrown away where it gets bulky.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pygit2

from reconciler.config import SourceSettings
from reconciler.errors import SourceUnavailable
from reconciler.git.access import Access, Session
from reconciler.git.fetchers import Fetchers
from reconciler.git.integrity import RepositoryCorrupt
from reconciler.git.mirror import Mirror
from reconciler.git.objects import Objects
from reconciler.git.transfer import fetch, pull
from reconciler.text import clean

MOST_BYTES = 256 * 1024**2
"""The largest head that is fetched, counted as it is sent."""

_BASE, _HEAD = "refs/zoe/base", "refs/zoe/head"
_MOST_PACKS = 200


class PullHeads:
    """Fetches heads of one source's pull requests. Not for use by several threads at once."""

    def __init__(
        self,
        settings: SourceSettings,
        mirror: Path,
        *,
        most_bytes: int = MOST_BYTES,
        most_s: int | None = None,
    ) -> None:
        """Take the settings; nothing is opened before it is needed. Raises ConfigError."""
        self._branch = settings.branch
        self._access = Access(settings, most_s=most_s)
        self._most_bytes = most_bytes
        self._mirror = Mirror(mirror)
        self.directory = mirror

    def fetch(self, refs: Sequence[str], *, commit: str, base: str) -> str:
        """Bring a head and the accepted commit here; return the head.

        Args:
            refs: Full names under which the remote may have it; the first that is there counts.
            commit: What it is said to be, for remotes that have it under another name.
            base: The accepted commit.

        Raises:
            SourceUnavailable: The remote can't be reached, has no such head or a huge one, or
                doesn't have the accepted commit any more.
        """
        with self._mirror.locked():
            self._mirror.sweep()
            if self._is_bulky():
                self._mirror.discard()
            try:
                return self._fetch(refs, commit, base)
            except RepositoryCorrupt:
                self._mirror.quarantine()
                return self._fetch(refs, commit, base)

    def set_aside(self) -> None:
        """Begin with an empty repository at the next fetch: this one is damaged."""
        with self._mirror.locked():
            self._mirror.quarantine()

    def close(self) -> None:
        """Do nothing: a fetch from this machine's own disk ends by itself."""

    def _fetch(self, refs: Sequence[str], commit: str, base: str) -> str:
        repository = self._mirror.opened()
        objects = Objects(repository)
        if not _has(objects, base):
            pull(repository, objects, self._access, branch=self._branch, into=_BASE)
        if not _has(objects, base):
            raise SourceUnavailable(
                f"{self._access.shown_url} has lost the accepted commit {base[:12]}: push it "
                "again, or confirm the branch's tip with zoe confirm"
            )
        try:
            with self._access.session("fetch from") as session:
                head = self._pull(repository, session, refs, commit)
        except SourceUnavailable:
            # A damaged repository of our own fails fetches too, with errors like a remote's.
            if (before := objects.reference(_HEAD)) is not None:
                objects.tree(before)
            raise
        return objects.commit(head).id

    def _pull(
        self, repository: pygit2.Repository, session: Session, refs: Sequence[str], commit: str
    ) -> str:
        remote = repository.remotes.create_anonymous(self._access.url)
        remote.connect(callbacks=session, proxy=True)
        offered = {head.name or "": str(head.oid) for head in remote.list_heads(connect=False)}
        name = _chosen(offered, refs, commit)
        session.most_bytes = self._most_bytes
        if repository.get(offered[name]) is None:
            refspec = f"+{name}:{_HEAD}"
            fetch(repository, remote, session, self._access, heads=offered, refspec=refspec)
        return offered[name]

    def _is_bulky(self) -> bool:
        packs = self.directory / "objects" / "pack"
        count = sum(1 for _ in packs.glob("*.pack")) if packs.is_dir() else 0
        return count > _MOST_PACKS or self._mirror.is_bulky()


class HeadsApart:
    """The same over a network: fetched in a process that can be ended, and read elsewhere."""

    def __init__(self, settings: SourceSettings, mirror: Path, fetchers: Fetchers) -> None:
        """Take the settings, and processes that nobody else asks. Raises ConfigError."""
        self._settings, self._fetchers = settings, fetchers
        self._here = PullHeads(settings, mirror)
        self.directory = mirror

    def fetch(self, refs: Sequence[str], *, commit: str, base: str) -> str:
        """Bring a head and the accepted commit here; return the head. SourceUnavailable."""
        given = {"refs": refs, "commit": commit, "base": base}
        return str(self._fetchers.ask(self._settings, self.directory, "head", **given))

    def set_aside(self) -> None:
        """Begin with an empty repository at the next fetch."""
        self._here.set_aside()

    def close(self) -> None:
        """End the fetch under way."""
        self._fetchers.stop()


def _has(objects: Objects, commit: str) -> bool:
    """Tell whether a commit is here. Raises RepositoryCorrupt where nobody can tell."""
    try:
        return objects.by_prefix(commit) is not None
    except ValueError as error:  # what the header says isn't even the kind of an object
        raise RepositoryCorrupt(f"the commit {commit[:12]} can't be read") from error


def _chosen(offered: Mapping[str, str], refs: Sequence[str], commit: str) -> str:
    """Return the name to fetch."""
    found = [ref for ref in refs if ref in offered]
    found += [name for name, oid in sorted(offered.items()) if commit and oid == commit]
    if not found:
        shown = " or ".join(clean(ref, limit=100) for ref in refs) or f"commit {commit[:12]}"
        raise SourceUnavailable(f"the repository has no {shown}: was the branch deleted?")
    return found[0]
