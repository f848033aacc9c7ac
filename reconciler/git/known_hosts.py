"""Which known_hosts file libgit2 reads: it knows only ``~/.ssh/known_hosts``, of one home.

It lets us say where the home directory is, but per process. So conversations that agree on the
file go on at the same time, and others wait for their turn.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pygit2


class _Home:
    """The process's home directory as libgit2 sees it, and how many rely on it now."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._file: Path | None = None
        self._users = 0
        self._directory: tempfile.TemporaryDirectory[str] | None = None
        self._former = ""

    @contextmanager
    def used(self, file: Path | None) -> Iterator[None]:
        """Let libgit2 read ``file`` (None: the user's own) while the block runs."""
        with self._changed:
            self._changed.wait_for(lambda: self._users == 0 or self._file == file)
            if self._users == 0:
                self._move_in(file)
            self._users += 1
        try:
            yield
        finally:
            with self._changed:
                self._users -= 1
                if self._users == 0:
                    self._move_out()
                    self._changed.notify_all()

    def _move_in(self, file: Path | None) -> None:
        self._file = file
        if file is None:
            return
        self._former = pygit2.settings.homedir or ""
        self._directory = tempfile.TemporaryDirectory(prefix="zoe-ssh-")
        link = Path(self._directory.name) / ".ssh" / "known_hosts"
        link.parent.mkdir()
        link.symlink_to(file.absolute())
        pygit2.settings.homedir = self._directory.name

    def _move_out(self) -> None:
        if self._directory is not None:
            pygit2.settings.homedir = self._former
            self._directory.cleanup()
            self._directory = None


used = _Home().used
"""The one home of this process: module state, because libgit2's is."""
