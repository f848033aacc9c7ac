"""Pushes of the status branch: one that stands still on its way, and what became of all."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pygit2

from tests.fixtures.git_servers import BareRepository, HttpServer

_SEQUENCE = re.compile(r"^Zoe-Seq: (\d+)$", re.MULTILINE)
_LONGEST_S = 60


class HeldPush:
    """The next request of a push: it has arrived at the server, which does nothing with it yet."""

    def __init__(self, method: str) -> None:
        """Hold a ``GET`` (the branch is yet to be looked at) or a ``POST`` (it was)."""
        self._method = method
        self._lock = threading.Lock()
        self._is_held = False
        self.arrived = threading.Event()
        self.released = threading.Event()

    def __call__(self, method: str, target: str) -> None:
        """Hold a request, if it is the one."""
        with self._lock:
            if self._is_held or method != self._method or "git-receive-pack" not in target:
                return
            self._is_held = True
        self.arrived.set()
        self.released.wait(_LONGEST_S)


@contextmanager
def held_push(http: HttpServer, method: str) -> Iterator[HeldPush]:
    """Hold the next push at a server until it is released, or this ends; others go through."""
    held = HeldPush(method)
    before, http.before = http.before, held
    try:
        yield held
    finally:
        http.before = before
        held.released.set()


def regressions(repository: BareRepository, branch: str) -> list[str]:
    """Return the commits that know less of the ledger than the one that they follow."""
    tip, newer, found = repository.tip(branch), None, []
    for commit in repository.git.walk(tip, pygit2.enums.SortMode.TOPOLOGICAL) if tip else ():
        told = _SEQUENCE.search(commit.message)
        sequence = int(told[1]) if told else None
        if newer is not None and sequence is not None and newer[1] < sequence:
            found.append(f"status {newer[0]} of fact {newer[1]} follows one of fact {sequence}")
        newer = (str(commit.id)[:12], sequence) if sequence is not None else newer
    return found
