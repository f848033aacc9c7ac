"""How to wait for a request, or a change: PostgreSQL tells of it, SQLite is asked over and over.

A waiter gives hints. It never fails: while the database can't be reached it waits on, and the
pass that its caller makes at the latest after the time-out will say what is wrong. One thread
waits at a time; any thread may close.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import monotonic
from typing import Protocol

from sqlalchemy import Engine

from reconciler.errors import StoreUnavailable


class Waiter(Protocol):
    """Waits until something is wanted."""

    def wait(self, timeout_s: float) -> bool:
        """Return True as soon as something may be wanted, False after the time-out or close."""

    def close(self) -> None:
        """End a wait that is under way, and all later ones."""


class Poller:
    """Asks every ``interval_s``."""

    def __init__(self, is_any: Callable[[], bool], *, interval_s: float) -> None:
        self._is_any = is_any
        self._interval_s = interval_s
        self._closed = threading.Event()

    def wait(self, timeout_s: float) -> bool:
        """Return True as soon as something is wanted."""
        deadline = monotonic() + timeout_s
        while not self._closed.is_set():
            if self._asks():
                return True
            left_s = deadline - monotonic()
            if left_s <= 0:
                return False
            self._closed.wait(min(left_s, self._interval_s))
        return False

    def close(self) -> None:
        """End the wait."""
        self._closed.set()

    def _asks(self) -> bool:
        try:
            return self._is_any()
        except StoreUnavailable:
            return False


def waiter(
    engine: Engine, is_any: Callable[[], bool], *, channel: str, interval_s: float
) -> Waiter:
    """Return who waits until ``is_any``, of which PostgreSQL tells on a channel."""
    if engine.dialect.name != "postgresql":
        return Poller(is_any, interval_s=interval_s)
    # Here, since its driver is ten megabytes that SQLite doesn't need.
    from reconciler.store.listening import Listener

    return Listener(engine, is_any, channel=channel, interval_s=interval_s)
