"""How work reaches the database: one snapshot to read, one transaction to write, tried again.

The work is a function of the connection. It may run several times, so it must not do anything
outside the database; that also keeps every transaction free of other input and output.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from reconciler.store.engine import IS_WRITE
from reconciler.store.failures import is_retryable, translated

T = TypeVar("T")

TRIES = 5
_FIRST_DELAY_S = 0.02


class Transactions:
    """Runs work on an engine. ``wait`` takes seconds, and returns early when we are closing."""

    def __init__(self, engine: Engine, *, random: Random, wait: Callable[[float], object]) -> None:
        self._engine = engine
        self._random = random
        self._wait = wait

    def read(self, work: Callable[[Connection], T]) -> T:
        """Return what ``work`` reads, all of it as of one moment.

        Raises:
            StoreUnavailable: The database can't be reached.
        """
        options: dict[str, object] = {}
        if self._engine.dialect.name == "postgresql":
            options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with translated(self._engine.url), self._engine.connect() as connection:
            connection.execution_options(**options)
            with connection.begin():
                return work(connection)

    def write(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` in one transaction; after a deadlock or a busy database, all of it again.

        Raises:
            StoreUnavailable: The database can't be reached; if that happened during the commit
                itself, nobody knows whether it was written.
            InvariantViolated: A constraint was broken. Nothing was written.
        """
        with translated(self._engine.url):
            for attempt in range(1, TRIES):
                try:
                    return self._write_once(work)
                except DBAPIError as error:
                    if not is_retryable(error):
                        raise
                self._wait(self._random.uniform(0, _FIRST_DELAY_S * 2**attempt))
            return self._write_once(work)

    def _write_once(self, work: Callable[[Connection], T]) -> T:
        with self._engine.connect() as connection:
            connection.execution_options(**{IS_WRITE: True})
            with connection.begin():
                return work(connection)
