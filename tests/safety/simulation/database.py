"""The real store on SQLite in memory, by the simulation's clock; migrated once for all seeds."""

from __future__ import annotations

import itertools
import random
import sqlite3
from typing import Any

from sqlalchemy import event

from reconciler.cluster.fake import VirtualClock
from reconciler.cluster.fake.agenda import to_ms
from reconciler.store.repository import SqlStore

DEPLOYMENT = "sim"
_EPOCH_DAY = 2440587.5
_DAY_MS = 86_400_000
_NUMBERS = itertools.count()


class Database:
    """One database. Leases expire by its clock, which is virtual as well."""

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

    def reset(self, clock: VirtualClock) -> SqlStore:
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
