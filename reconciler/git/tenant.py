"""A tenant's source: one object fetches it beside the loop, another reads the same mirror in it.

Both are of one thread each. Fetching makes, mends and replaces the mirror; reading only opens it,
and never waits for a remote.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from reconciler.config import SourceSettings
from reconciler.errors import SourceUnavailable
from reconciler.git.access import Access
from reconciler.git.integrity import RepositoryCorrupt
from reconciler.git.objects import Objects
from reconciler.git.source import TIP, GitSource

T = TypeVar("T")


class BoundedFetcher(GitSource):
    """Fetches, within bounds. What is damaged is cloned anew, also if only a reader noticed."""

    def __init__(
        self, settings: SourceSettings, mirror: Path, *, most_bytes: int, most_s: int
    ) -> None:
        """Take the settings; nothing is opened before it is needed. Raises ConfigError."""
        super().__init__(settings, mirror)
        self._access = Access(settings, most_bytes=most_bytes, most_s=most_s)

    def fetch_anew(self) -> str:
        """Set the mirror aside and clone it again."""
        with self._mirror.locked():
            self._reader = None
            self._mirror.quarantine()
        return self.fetch()


class TenantReader(GitSource):
    """Reads what was fetched, and tells when that is damaged: only the fetcher clones it anew."""

    def __init__(
        self, settings: SourceSettings, mirror: Path, *, damaged: Callable[[], None] = lambda: None
    ) -> None:
        """Take the settings; nothing is opened before it is needed. Raises ConfigError."""
        super().__init__(settings, mirror)
        self._damaged = damaged

    def fetch(self) -> str:
        """Return the tip that was fetched last; nothing is fetched."""
        self._let_go_of_moved()
        return self.resolve(TIP)

    def _healing(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except RepositoryCorrupt:
            # The fetcher may have put a fresh clone in the place of what is open here.
            self._reader = None
            self._mirror.let_go()
        try:
            return work()
        except RepositoryCorrupt:
            self._damaged()
            raise

    def _objects(self) -> Objects:
        if not self._mirror.is_there():
            raise SourceUnavailable(f"{self.id} hasn't been fetched yet")
        return super()._objects()
