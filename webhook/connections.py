"""The open connections: how many there may be, and how long one may take to say what it wants.

When all places are taken, the sender that is slowest to finish its request makes room. Who asks in
good order is done in milliseconds, so slow senders can only push out one another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from dataclasses import dataclass

MOST = 64
HEAD_TIMEOUT_S = 10.0


@dataclass(slots=True)
class _Connection:
    transport: asyncio.Transport
    deadline: asyncio.TimerHandle | None
    since: float
    is_sending: bool = True


class Connections:
    """Belongs to one event loop. A connection's key is the address of its peer."""

    def __init__(self, *, most: int = MOST, head_timeout_s: float = HEAD_TIMEOUT_S) -> None:
        self._most = most
        self._head_timeout_s = head_timeout_s
        self._open: dict[Hashable, _Connection] = {}

    def opened(self, key: Hashable, transport: asyncio.Transport) -> None:
        """Take a connection in, or another one's place; without room it is closed at once."""
        if len(self._open) >= self._most and not self._make_room():
            transport.abort()
            return
        loop = asyncio.get_running_loop()
        self._open[key] = _Connection(transport, None, loop.time())
        self.awaits_head(key)

    def closed(self, key: Hashable, transport: asyncio.Transport) -> None:
        """Forget a connection."""
        connection = self._open.get(key)
        if connection is not None and connection.transport is transport:
            self._stop(connection)
            del self._open[key]

    def awaits_head(self, key: Hashable) -> None:
        """Begin to wait for the header of a request."""
        if (connection := self._open.get(key)) is not None:
            self._stop(connection)
            loop = asyncio.get_running_loop()
            connection.since, connection.is_sending = loop.time(), True
            connection.deadline = loop.call_later(self._head_timeout_s, connection.transport.abort)

    def has_head(self, key: Hashable) -> None:
        """Note that the header is there; whoever reads the body limits the time for that."""
        if (connection := self._open.get(key)) is not None:
            self._stop(connection)

    def has_all(self, key: Hashable) -> None:
        """Note that the whole request is there: from now on the time taken is ours."""
        if (connection := self._open.get(key)) is not None:
            connection.is_sending = False

    def _make_room(self) -> bool:
        sending = [(c.since, key) for key, c in self._open.items() if c.is_sending]
        if not sending:
            return False
        _, oldest = min(sending, key=lambda pair: pair[0])
        connection = self._open.pop(oldest)
        self._stop(connection)
        connection.transport.abort()
        return True

    @staticmethod
    def _stop(connection: _Connection) -> None:
        if connection.deadline is not None:
            connection.deadline.cancel()
            connection.deadline = None
