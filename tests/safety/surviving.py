"""A simulated cluster that outlives whoever uses it: it is served to other processes.

``Served`` keeps the cluster and its virtual time; ``RemoteCluster`` and ``RemoteClock`` are what
another process has of them. What a process had asked for when it was killed takes effect.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from datetime import datetime
from functools import partial
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import Any, Self

from reconciler.cluster.fake import FakeCluster, VirtualClock

CLOCK, CLUSTER = "clock", "cluster"


class Served:
    """Answers calls to a cluster and its clock at a socket, each caller in a thread of its own."""

    def __init__(self, path: Path, cluster: FakeCluster, clock: VirtualClock) -> None:
        self.address = str(path)
        self._parts = {CLUSTER: cluster, CLOCK: clock}
        self._listener = Listener(self.address, "AF_UNIX")
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError), Client(self.address, "AF_UNIX") as last:
            last.send(None)
        self._thread.join(10)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            connection = self._listener.accept()
            call = connection.recv()
            if call is None:
                connection.close()
                return
            threading.Thread(target=self._serve, args=(connection, call), daemon=True).start()

    def _serve(self, connection: Connection, call: Any) -> None:
        with connection, suppress(EOFError, OSError):  # the caller is dead, or done
            while True:
                part, method, arguments, options = call
                try:
                    answer = (True, getattr(self._parts[part], method)(*arguments, **options))
                except Exception as error:  # noqa: BLE001 - it is the caller's, whatever it is
                    answer = (False, error)
                connection.send(answer)
                call = connection.recv()


class Caller:
    """One connection per thread to what is served."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._mine = threading.local()

    def call(self, part: str, method: str, *arguments: Any, **options: Any) -> Any:
        if not hasattr(self._mine, "connection"):
            self._mine.connection = Client(self._address, "AF_UNIX")
        self._mine.connection.send((part, method, arguments, options))
        is_answer, found = self._mine.connection.recv()
        if not is_answer:
            raise found
        return found


class RemoteClock(VirtualClock):
    """The time of the cluster that is served."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def now(self) -> datetime:
        found: datetime = self._caller.call(CLOCK, "now")
        return found


class RemoteCluster:
    """The cluster that is served, as a ``ports.Cluster`` with ``advance`` beside it."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    def __getattr__(self, method: str) -> Any:
        return partial(self._caller.call, CLUSTER, method)
