"""The open connections: how many there may be, and how long one may take to say what it wants.

Who has just come, who delivers and who reads have places of their own, so that none of them can
push out the others. When all places of a kind are taken, whoever is slowest to finish a request, or
to take an answer, makes room. Who asks in good order is done in milliseconds, so the slow can only
push out one another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from dataclasses import dataclass
from enum import Enum, auto

MOST = 64
MOST_ARRIVING = 256
MOST_READING = 512
HEAD_TIMEOUT_S = 10.0


class Kind(Enum):
    """What a connection is for, as far as it has said."""

    ARRIVING = auto()
    DELIVERING = auto()
    READING = auto()


@dataclass(slots=True)
class _Connection:
    """``is_awaited``: since then we wait for the peer, to finish its request or to read."""

    transport: asyncio.Transport
    deadline: asyncio.TimerHandle | None
    since: float
    kind: Kind = Kind.ARRIVING
    is_awaited: bool = True


class Connections:
    """Belongs to one event loop. A connection's key is the address of its peer."""

    def __init__(
        self,
        *,
        most: int = MOST,
        most_arriving: int = MOST_ARRIVING,
        most_reading: int = MOST_READING,
        head_timeout_s: float = HEAD_TIMEOUT_S,
    ) -> None:
        self._places = {
            Kind.ARRIVING: most_arriving,
            Kind.DELIVERING: most,
            Kind.READING: most_reading,
        }
        self._head_timeout_s = head_timeout_s
        self._open: dict[Hashable, _Connection] = {}
        self._taken = dict.fromkeys(Kind, 0)

    def opened(self, key: Hashable, transport: asyncio.Transport) -> None:
        """Take a connection in, or another one's place; without room it is closed at once."""
        if not self._has_room(Kind.ARRIVING):
            transport.abort()
            return
        loop = asyncio.get_running_loop()
        self._open[key] = _Connection(transport, None, loop.time())
        self._taken[Kind.ARRIVING] += 1
        self.awaits_head(key)

    def closed(self, key: Hashable, transport: asyncio.Transport) -> None:
        """Forget a connection."""
        connection = self._open.get(key)
        if connection is not None and connection.transport is transport:
            self._forget(key)

    def awaits_head(self, key: Hashable) -> None:
        """Begin to wait for the header of a request."""
        if (connection := self._open.get(key)) is not None:
            _stop(connection)
            loop = asyncio.get_running_loop()
            connection.since, connection.is_awaited = loop.time(), True
            connection.deadline = loop.call_later(self._head_timeout_s, connection.transport.abort)

    def has_head(self, key: Hashable, kind: Kind) -> bool:
        """Note that the header is there, and what the connection is for.

        Whoever reads the body limits the time for that.

        Returns:
            False: all places of that kind are taken by those that are answered just now.
        """
        connection = self._open.get(key)
        if connection is None:
            return True
        _stop(connection)
        if connection.kind is not kind:
            if not self._has_room(kind):
                return False
            self._taken[connection.kind] -= 1
            self._taken[kind] += 1
            connection.kind = kind
        return True

    def has_all(self, key: Hashable) -> None:
        """Note that the whole request is there: from now on the time taken is ours."""
        if (connection := self._open.get(key)) is not None:
            connection.is_awaited = False

    def answers(self, key: Hashable) -> None:
        """Note that a part of the answer goes out, for which its reader may take any time."""
        if (connection := self._open.get(key)) is not None:
            connection.since, connection.is_awaited = asyncio.get_running_loop().time(), True

    def _has_room(self, kind: Kind) -> bool:
        return self._taken[kind] < self._places[kind] or self._make_room(kind)

    def _make_room(self, kind: Kind) -> bool:
        awaited = [
            (c.since, key) for key, c in self._open.items() if c.kind is kind and c.is_awaited
        ]
        if not awaited:
            return False
        _, oldest = min(awaited, key=lambda pair: pair[0])
        self._forget(oldest).transport.abort()
        return True

    def _forget(self, key: Hashable) -> _Connection:
        connection = self._open.pop(key)
        _stop(connection)
        self._taken[connection.kind] -= 1
        return connection


def _stop(connection: _Connection) -> None:
    if connection.deadline is not None:
        connection.deadline.cancel()
        connection.deadline = None
