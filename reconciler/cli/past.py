"""What was, for people's verbs: from the server that ZOE_SERVER names, else from the database.

The status branch tells of now only, so a clone alone doesn't answer these.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Protocol

from reconciler import config, wire
from reconciler.cli import reading, server
from reconciler.cli.server import Server
from reconciler.clock import SystemClock
from reconciler.view import event, history, usage
from reconciler.view.archive import Archive
from reconciler.view.event import EventLine, Events
from reconciler.view.execution import Detail
from reconciler.view.history import History
from reconciler.view.usage import Usage
from reconciler.view.waits import LONGEST
from reconciler.view.words import instant

MOST_PASSES = 100_000
PAGE = 500

NO_PLACE = (
    "nothing to read from: set ZOE_SERVER to the address of the status page, or run this where "
    "zoe.toml is (or set ZOE_DATABASE_URL or ZOE_STATE_DIR); a clone alone doesn't tell what was"
)


class Past(Protocol):
    """Whoever can be asked. Each method raises TransientError while it can't be reached."""

    def usage(self, by: str, *, since: datetime, until: datetime) -> Usage:
        """Return who used how much in a time."""

    def history(self, *, since: datetime) -> History:
        """Return how it went since then."""

    def events(self, namespace: str, name: str, *, limit: int) -> Events:
        """Return the newest events, of all or of one name."""

    def later(self, namespace: str, name: str, *, after: int) -> tuple[EventLine, ...]:
        """Return the events after one, the oldest first, some of them if there are many."""


@contextmanager
def past() -> Iterator[Past]:
    """Lend whoever can be asked.

    Raises:
        ConfigError: Nobody can be.
    """
    if (found := server.configured()) is not None:
        yield _Asked(found)
        return
    settings = config.load()
    if not wire.has_database(settings):
        raise reading.nowhere(settings, NO_PLACE)
    with wire.archive(settings) as archive:
        yield _Read(archive)


@dataclass(frozen=True, slots=True)
class _Asked:
    """The API of ``zoe web``."""

    server: Server

    def usage(self, by: str, *, since: datetime, until: datetime) -> Usage:
        query = {"by": by, "since": instant(since), "until": instant(until)}
        return self.server.read(Usage, "usage", **query)

    def history(self, *, since: datetime) -> History:
        return self.server.read(History, "history", since=instant(since))

    def events(self, namespace: str, name: str, *, limit: int) -> Events:
        self._check(namespace, name)
        lines: list[EventLine] = []
        cursor = ""
        for _ in count():
            page = self.server.read(
                Events,
                "events",
                namespace=namespace,
                name=name,
                limit=min(PAGE, limit - len(lines)),
                cursor=cursor,
            )
            lines += page.lines
            cursor = page.next
            if not cursor or len(lines) >= limit:
                break
        return Events(lines=tuple(lines), next=cursor)

    def later(self, namespace: str, name: str, *, after: int) -> tuple[EventLine, ...]:
        found = self.server.read(
            Events, "events", namespace=namespace, name=name, after=after, limit=PAGE
        )
        return tuple(sorted(found.lines, key=lambda line: line.id))

    def _check(self, namespace: str, name: str) -> None:
        """Let the server say that there is no such execution, and which may be meant."""
        if name:
            self.server.read(Detail, f"executions/{namespace}/{name}")


@dataclass(frozen=True, slots=True)
class _Read:
    """The database."""

    archive: Archive

    def usage(self, by: str, *, since: datetime, until: datetime) -> Usage:
        return usage.of(
            self.archive.intervals(since=since, until=until),
            self.archive.ends(since=since - LONGEST),
            self.archive.picture(None).documents,
            by=by,
            since=since,
            until=until,
            now=SystemClock().now(),
        )

    def history(self, *, since: datetime) -> History:
        until = SystemClock().now()
        since = max(since, until - history.LONGEST)
        passes = self.archive.passes(since=since, limit=MOST_PASSES)
        entries = self.archive.ends(since=since - LONGEST)
        return history.of(passes, entries, since=since, until=until)

    def events(self, namespace: str, name: str, *, limit: int) -> Events:
        if name:
            reading.found(namespace, name)
        rows = self.archive.events(namespace=namespace, name=name, limit=limit + 1)
        return event.of(rows, limit=limit)

    def later(self, namespace: str, name: str, *, after: int) -> tuple[EventLine, ...]:
        rows = self.archive.events(namespace=namespace, name=name, after=after, limit=PAGE)
        return event.later(rows).lines
