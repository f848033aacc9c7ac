"""The databases of worlds: in memory for most of them, the real store on SQLite for some.

The one in memory is held to the contract of the real ones (``tests/contract/test_store.py``), and
lives through a world in a fraction of the time. Either goes by the simulation's clock.
"""

from __future__ import annotations

import itertools
import random
import sqlite3
from typing import Any, Protocol

from sqlalchemy import event

from reconciler.cluster.fake import VirtualClock
from reconciler.cluster.fake.agenda import to_ms
from reconciler.ports import Store
from reconciler.store.repository import SqlStore
from tests.fixtures.memory.store import MemoryDatabase, MemoryStore

DEPLOYMENT = "sim"
ON_SQLITE_EVERY = 50
_EPOCH_DAY = 2440587.5
_DAY_MS = 86_400_000
_NUMBERS = itertools.count()


class Database(Protocol):
    """What a world gets its store from."""

    def reset(self, clock: VirtualClock) -> Store:
        """Return an empty one, whose leases expire by this clock."""


class InMemory:
    """A new one for each world."""

    def reset(self, clock: VirtualClock) -> Store:
        """Return an empty one."""
        return MemoryStore(MemoryDatabase(clock), elapsed_s=lambda: to_ms(clock.now()) / 1000)


class OnSqlite:
    """SQLite in memory, migrated once for all worlds."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        name = f"file:/simulated-{next(_NUMBERS)}?vfs=memdb"
        self._raw = sqlite3.connect(name, uri=True)  # as long as it is open, the content stays
        self.store = SqlStore(
            f"sqlite:///{name}&uri=true",
            deployment=DEPLOYMENT,
            clock=self,
            random=random.Random(1),
            elapsed_s=lambda: to_ms(self.clock.now()) / 1000,
        )
        event.listen(self.store._engine, "connect", self._on_connect)
        self.store.migrate()
        self._empty = sqlite3.connect(":memory:")
        self._raw.backup(self._empty)

    def now(self) -> Any:
        """Return the time of the world that it is part of now."""
        return self.clock.now()

    def reset(self, clock: VirtualClock) -> Store:
        """Empty it for another world."""
        self.clock = clock
        self._empty.backup(self._raw)
        return self.store

    def close(self) -> None:
        """Forget all of it."""
        self.store.close()
        self._raw.close()
        self._empty.close()

    def _on_connect(self, connection: Any, _record: object) -> None:
        # The lease asks the database for its time by this function.
        connection.create_function("julianday", 1, self._julian_day)

    def _julian_day(self, _text: str) -> float:
        return _EPOCH_DAY + to_ms(self.clock.now()) / _DAY_MS


class Databases:
    """Every fiftieth world has the real store, so that the wiring to it stays proven."""

    def __init__(self) -> None:
        self._in_memory = InMemory()
        self._on_sqlite: OnSqlite | None = None

    def of(self, seed: int) -> Database:
        """Return the database of a seed's world."""
        if seed % ON_SQLITE_EVERY:
            return self._in_memory
        self._on_sqlite = self._on_sqlite or OnSqlite()
        return self._on_sqlite

    def close(self) -> None:
        """Forget all of them."""
        if self._on_sqlite is not None:
            self._on_sqlite.close()
