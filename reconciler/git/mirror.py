"""A bare repository of our own: opened, locked, cleaned after a kill, set aside when broken.

It can always be made anew from its remote, so it is never repaired.
"""

from __future__ import annotations

import fcntl
import gc
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pygit2

from reconciler.errors import SourceUnavailable
from reconciler.git import packing
from reconciler.git.integrity import RepositoryCorrupt
from reconciler.text import clean

_BUSY_RETRY_S = 5.0
_MAX_LOOSE = 256 * 100
_CACHE_BYTES = 256 * 1024
"""Of trees and commits, over all repositories; what is kept takes about four times as much, and by
default libgit2 keeps 256 MiB. Four times this makes a push beside 10,000 statuses cheaper by 14 ms
(``benchmarks.status_commit``), and a pass not at all."""
# What libgit2 leaves behind when its process is killed between creating and renaming.
_LITTER = ("*.lock", "objects/pack/*_git2_*", "objects/??/tmp_*", "objects/tmp_*")


class Mirror:
    """The bare repository in ``directory``, made when it isn't there."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._repository: pygit2.Repository | None = None
        self._packs: frozenset[str] = frozenset()

    @property
    def directory(self) -> Path:
        """Where it is."""
        return self._directory

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from writing; the kernel lets go when this one is killed.

        Raises:
            SourceUnavailable: Another process is writing.
        """
        lock = self._directory.with_name(self._directory.name + ".lock")
        try:
            lock.parent.mkdir(parents=True, exist_ok=True)
            handle = lock.open("ab")
        except OSError as error:
            raise SourceUnavailable(f"can't write beside {self._directory}: {error}") from error
        with handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise SourceUnavailable(
                    f"another process is writing to {self._directory}", retry_after_s=_BUSY_RETRY_S
                ) from error
            yield

    def is_there(self) -> bool:
        """Tell whether somebody has made it."""
        return (self._directory / "HEAD").exists()

    def opened(self) -> pygit2.Repository:
        """Return the repository, opened once.

        Raises:
            RepositoryCorrupt: It is there but isn't a usable repository.
            SourceUnavailable: It belongs to somebody else, or the disk refuses.
        """
        if self._repository is None:
            self._repository = self._open()
            self._packs = packing.names(self._directory)
        return self._repository

    def sweep(self) -> None:
        """Remove what a killed process left. Only under :meth:`locked`."""
        for pattern in (*_LITTER, "refs/**/*.lock"):
            for path in self._directory.glob(pattern):
                path.unlink(missing_ok=True)
        shutil.rmtree(self._directory / packing.PLACE, ignore_errors=True)

    def pack(self) -> None:
        """Put its packs together if they are many. Only under :meth:`locked`."""
        packing.put_together(self._directory)

    def has_moved(self) -> bool:
        """Tell whether packs that were there at the last look are gone, put together by somebody.

        Who still reads from them keeps them open, and may find nothing in those not yet opened.
        """
        before, self._packs = self._packs, packing.names(self._directory)
        return not before <= self._packs

    def is_bulky(self) -> bool:
        """Tell whether so many loose objects have gathered that a fresh, packed copy is better."""
        sample = self._directory / "objects" / "17"  # one of 256, filled evenly
        return sample.is_dir() and sum(1 for _ in sample.iterdir()) > _MAX_LOOSE // 256

    def packed_bytes(self) -> int:
        """Return how large the packs are."""
        return sum(path.stat().st_size for path in self._directory.glob("objects/pack/*.pack"))

    def quarantine(self) -> None:
        """Set the directory aside, for whoever wants to look; only the newest one is kept."""
        self.let_go()
        aside = self._directory.with_name(self._directory.name + ".corrupt")
        try:
            shutil.rmtree(aside, ignore_errors=True)
            if self._directory.exists():
                self._directory.rename(aside)
        except OSError as error:
            raise SourceUnavailable(
                f"{self._directory} is corrupt and can't be set aside: {error}"
            ) from error

    def discard(self) -> None:
        """Remove the directory: everything in it is at the remote too."""
        self.let_go()
        shutil.rmtree(self._directory, ignore_errors=True)

    def let_go(self) -> None:
        """Close it, to open what is in its place at the next use."""
        if self._repository is not None:
            self._repository.free()
        self._repository = None
        # libgit2 shares open packs by path within a process: a fresh clone would get the damaged
        # ones back while any repository object lives, and those are in reference cycles.
        gc.collect()

    def _open(self) -> pygit2.Repository:
        path = str(self._directory)
        pygit2.settings.cache_max_size(_CACHE_BYTES)
        try:
            if not self._directory.exists() or not any(self._directory.iterdir()):
                pygit2.init_repository(path, bare=True)
            return pygit2.Repository(path)
        except (pygit2.GitError, KeyError, ValueError) as error:
            if "not owned by current user" in str(error):
                raise SourceUnavailable(
                    f"{path} belongs to another user: run as its owner, or `chown -R` it"
                ) from error
            raise RepositoryCorrupt(f"{path}: {clean(str(error), limit=200)}") from error
        except OSError as error:
            raise SourceUnavailable(f"can't open {path}: {error}") from error
