"""Lives of a reconciler: each in a process of its own, which may be killed at a named point.

The processes are forked from one that has imported everything and has no threads, so that a life
costs a fraction of a second. Database and repositories are real; the cluster outlives them.
"""

from __future__ import annotations

import multiprocessing
import random
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from reconciler.failpoints import VARIABLE, armed
from reconciler.loop import Loop
from reconciler.store.repository import SqlStore
from tests.fixtures.site import build_loop, settings_in
from tests.safety.surviving import Caller, RemoteClock, RemoteCluster

KILLED = -9
BETWEEN_PASSES_MS = 2_000
_LONGEST_S = 60
_processes = multiprocessing.get_context("forkserver")
_processes.set_forkserver_preload([__name__])


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where lives are lived, one after the other: the cluster's address, and what is on disk."""

    address: str
    folder: Path
    repository: Path


class Life:
    """A process that leads from its first pass until it is killed or has done its work."""

    def __init__(self, place: Place) -> None:
        self._commands, theirs = _processes.Pipe()
        self._process = _processes.Process(target=_live, args=(place, theirs))
        self._process.start()
        theirs.close()

    def passes(self, count: int, *, order: str = "") -> bool:
        """Make passes, each published, under an order to failpoints; False if it died of that."""
        self._commands.send((count, order))
        if not self._commands.poll(_LONGEST_S):
            raise TimeoutError(f"{count} passes took over {_LONGEST_S} s")
        try:
            return bool(self._commands.recv())
        except EOFError:
            return False

    def end(self) -> int:
        """Let it end, if it hasn't; return how it did (``KILLED``, or 0)."""
        with suppress(BrokenPipeError):
            self._commands.send(None)
        self._process.join(_LONGEST_S)
        self._commands.close()
        assert self._process.exitcode is not None, "a process that should have ended is there"
        return self._process.exitcode


def _live(place: Place, commands: Connection) -> None:
    with _leading(place) as (loop, cluster):
        while (command := commands.recv()) is not None:
            count, order = command
            with armed({VARIABLE: order}):
                for _ in range(count):
                    loop.reconcile()
                    loop.publish(wait=True)
                    cluster.advance(BETWEEN_PASSES_MS)
            commands.send(True)


@contextmanager
def _leading(place: Place) -> Iterator[tuple[Loop, RemoteCluster]]:
    caller = Caller(place.address)
    cluster, clock = RemoteCluster(caller), RemoteClock(caller)
    settings = settings_in(place.folder, place.repository)
    with SqlStore(
        settings.database, deployment=settings.deployment, clock=clock, random=random.Random(1)
    ) as store:
        lease = store.acquire_lease("here", ttl_s=3600)
        assert lease is not None, "a dead leader still has the lease"
        loop = build_loop(settings, cluster, clock, store, lease)
        yield loop, cluster
        loop.close()
