"""Connections to PostgreSQL that give a server up which is there and says nothing.

The server's time-outs end what takes it too long, and TCP's end what has vanished. Where the server
stands still, or what lies in between keeps its answers back, neither does.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping
from typing import Any, TypeVar

import psycopg

from reconciler.clock import elapsed_s

_TOLD = (
    "it didn't answer in time: its server, or what lies between, hangs or is overloaded; what runs "
    "goes on, and it is asked again"
)

T = TypeVar("T")


class ServerSilent(psycopg.OperationalError):
    """It didn't answer in time. What it was asked, it may do yet."""


class AnsweredConnection(psycopg.Connection[Any]):
    """A connection that is closed when it waits for longer than ``silence_s`` for any answer."""

    silence_s = math.inf
    """Set when it is connected: until then that has a time-out of its own."""

    def wait(self, gen: Generator[Any, Any, T], *args: Any, **options: Any) -> T:
        """Do what ``gen`` says, as any connection does. Raises ServerSilent."""
        try:
            return super().wait(_answered(gen, self.silence_s), *args, **options)
        except ServerSilent:
            self.close()  # an answer that comes later would be taken for that of the next question
            raise


def connected(arguments: Mapping[str, Any], *, silence_s: float) -> AnsweredConnection:
    """Return a new connection; the arguments are those of ``psycopg.connect``."""
    # PostgreSQL knows whole seconds, and takes none for "for ever".
    most_s = min(float(arguments.get("connect_timeout") or silence_s), silence_s)
    try:
        made = AnsweredConnection.connect(**{**arguments, "connect_timeout": max(1, int(most_s))})
    except psycopg.errors.ConnectionTimeout as error:
        raise ServerSilent(_TOLD) from error
    made.silence_s = silence_s
    return made


def _answered(gen: Generator[Any, Any, T], silence_s: float) -> Generator[Any, Any, T]:
    """Pass on what a generator of psycopg waits for; each ``ready`` of 0 is that nothing came."""
    heard_s = elapsed_s()
    try:
        wanted = next(gen)
        while True:
            ready = yield wanted
            if ready:
                heard_s = elapsed_s()
            elif elapsed_s() - heard_s > silence_s:
                raise ServerSilent(_TOLD)
            wanted = gen.send(ready)
    except StopIteration as end:
        found: T = end.value
        return found
