"""Waiting for PostgreSQL to tell of something (see ``waiting``)."""

from __future__ import annotations

import logging
import selectors
import socket
import threading
from collections.abc import Callable
from time import monotonic

import psycopg
from psycopg import sql
from sqlalchemy import Engine

from reconciler.errors import StoreUnavailable
from reconciler.store.engine import SILENCE_S, listening_arguments
from reconciler.store.silence import connected

_log = logging.getLogger(__name__)


class Listener:
    """Listens on a connection of its own, outside the pool and outside any transaction.

    Notifications sent while it wasn't connected are lost. So it looks at the rows each time it
    begins to wait, and takes a connection that broke or came back for a notification.
    """

    def __init__(
        self,
        engine: Engine,
        is_any: Callable[[], bool],
        *,
        channel: str,
        interval_s: float,
    ) -> None:
        self._arguments = listening_arguments(engine)
        self._channel = channel
        self._is_any = is_any
        self._interval_s = interval_s
        self._connection: psycopg.Connection | None = None
        self._is_broken = False
        self._closed = threading.Event()
        self._waiting = threading.Lock()
        self._wake, self._waker = socket.socketpair()

    def wait(self, timeout_s: float) -> bool:
        """Return True on a notification, on wanted rows, and after any break of the connection."""
        deadline = monotonic() + timeout_s
        with self._waiting:
            while not self._closed.is_set():
                connection = self._connection or self._connect()
                left_s = max(0.0, deadline - monotonic())
                if connection is not None:
                    return self._listen(connection, left_s) and not self._closed.is_set()
                if left_s == 0:
                    return False
                self._closed.wait(min(left_s, self._interval_s))
        return False

    def close(self) -> None:
        """End the wait and drop the connection."""
        if self._closed.is_set():
            return
        self._closed.set()
        self._waker.send(b"!")
        with self._waiting:
            self._disconnect()
            self._wake.close()
            self._waker.close()

    def _connect(self) -> psycopg.Connection | None:
        listen = sql.SQL("LISTEN {}").format(sql.Identifier(self._channel))
        try:
            self._connection = connected(self._arguments, silence_s=SILENCE_S)
            self._connection.execute(listen)
        except psycopg.Error as error:
            self._break(error)
        return self._connection

    def _listen(self, connection: psycopg.Connection, timeout_s: float) -> bool:
        if self._is_broken:
            self._is_broken = False
            return True
        try:
            if self._is_any():
                return True
            return self._is_told(connection, timeout_s)
        except (psycopg.Error, StoreUnavailable, OSError) as error:
            self._break(error)
            return True

    def _is_told(self, connection: psycopg.Connection, timeout_s: float) -> bool:
        with selectors.DefaultSelector() as selector:
            selector.register(connection.fileno(), selectors.EVENT_READ)
            selector.register(self._wake, selectors.EVENT_READ)
            if not selector.select(timeout_s):
                return False
        # Several notifications are one. Reading also finds out that the server is gone.
        connection.pgconn.consume_input()
        while connection.pgconn.notifies():
            pass
        return True

    def _break(self, error: Exception) -> None:
        # Told once per outage, not each time that connecting fails.
        if not self._is_broken:
            _log.warning("store.listening_broke", extra={"error": type(error).__name__})
        self._is_broken = True
        self._disconnect()

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
