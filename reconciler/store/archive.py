"""The database as pages read it (``reconciler.view.archive.Archive``): read only, and bounded.

It never migrates, and it needs no more rights than ``deploy/postgres/zoe_web.sql`` gives.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Self, TypeVar

from sqlalchemy import Connection

from policy.model.execution import Uid
from reconciler.converge.ledger import Entry, Fact
from reconciler.errors import StoreUnavailable
from reconciler.ports import Clock
from reconciler.posted import PostedPlan
from reconciler.reporting.records import CommitRow, Event, Harvest, Interval, PassRow, Pulse, Tail
from reconciler.store import (
    commits,
    history,
    intervals,
    ledger,
    meta,
    picture,
    posted,
    pulses,
    tails,
)
from reconciler.store.engine import open_engine, parse_url
from reconciler.store.failures import NOT_PREPARED, readable
from reconciler.store.transactions import Transactions
from reconciler.store.waiting import waiter
from reconciler.view.picture import Picture

T = TypeVar("T")

_ENDS = (
    *(Fact.FIRST_SEEN, Fact.GENERATION, Fact.ADMITTED, Fact.ATTEMPT_INTENDED),
    *(Fact.ATTEMPT_STARTED, Fact.ATTEMPT_ENDED, Fact.FINISHED, Fact.CANCELLED),
)
_REVISION = re.compile(r"[0-9a-f]{7,64}")


class SqlArchive:
    """The archive behind one URL. Creating it connects to nothing. Safe to use from threads.

    ``poll_s`` is how often SQLite is asked for a change, and how often a lost PostgreSQL is tried
    again. Only one thread waits for changes at a time.

    Raises:
        ConfigError: The URL isn't usable.
    """

    def __init__(self, url: str, *, clock: Clock, random: Random, poll_s: float = 1.0) -> None:
        self._clock = clock
        self._engine = open_engine(parse_url(url))
        self._closed = threading.Event()
        self._transactions = Transactions(self._engine, random=random, wait=self._closed.wait)
        self._known = -1
        self._waiter = waiter(
            self._engine,
            lambda: self.state_version() != self._known,
            channel=meta.STATE_CHANNEL,
            interval_s=poll_s,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Drop all connections and end a wait that is under way."""
        self._closed.set()
        self._waiter.close()
        self._engine.dispose()

    def state_version(self) -> int:
        """Return the counter that rises with each write that pages show."""
        return self._read(meta.state_version)

    def wait(self, timeout_s: float, *, known: int) -> bool:
        """Wait until the version may be another than ``known``, at most ``timeout_s``.

        Never fails: while the database can't be reached it waits on. False also after closing.
        """
        self._known = known
        return self._waiter.wait(timeout_s)

    def picture(self, last: Picture | None) -> Picture:
        """Return what is known now; what didn't change since ``last`` is taken from it."""
        now = self._clock.now()
        return self._read(lambda connection: picture.read(connection, last, now=now))

    def events(
        self, *, namespace: str = "", name: str = "", before: int = 0, after: int = 0, limit: int
    ) -> tuple[Event, ...]:
        """Return the newest events older than ``before``, or the oldest after ``after``."""
        return self._read(
            lambda connection: history.page_of_events(
                connection, namespace=namespace, name=name, before=before, after=after, limit=limit
            )
        )

    def entries(self, uids: Sequence[Uid]) -> tuple[Entry, ...]:
        """Return the facts of these runs, as they were entered."""
        return self._read(lambda connection: ledger.entries_of_runs(connection, uids))

    def entries_of(self, commit: str, *, limit: int) -> tuple[Entry, ...]:
        """Return the facts that a commit brought about, as they were entered."""
        return self._read(lambda connection: ledger.entries_of_commit(connection, commit, limit))

    def ends(self, *, since: datetime) -> tuple[Entry, ...]:
        """Return the facts from which waits and ends are counted, as they were entered.

        That is every first sight, generation, admission, start and end since then.
        """
        return self._read(lambda connection: ledger.entries_since(connection, since, _ENDS))

    def harvests(self, uid: Uid) -> tuple[Harvest, ...]:
        """Return what was harvested of a run; with its log only where the namespace lets pages."""
        return self._read(lambda connection: history.shown_harvests(connection, uid))

    def tails(self, uid: Uid) -> tuple[Tail, ...]:
        """Return what was read last of a run that is looked at."""
        return self._read(lambda connection: tails.read(connection, uid))

    def look_at(self, uid: Uid) -> None:
        """Ask the loop to read the logs of a run for the next half minute."""
        now = self._clock.now()
        with self._reached():
            self._transactions.write(lambda connection: tails.look_at(connection, uid, now=now))

    def pulse(self) -> Pulse | None:
        """Return the loop's sign of life, if there ever was one."""
        return self._read(pulses.read)

    def passes(self, *, since: datetime, limit: int) -> tuple[PassRow, ...]:
        """Return the newest passes since then, oldest first."""
        return self._read(
            lambda connection: pulses.read_passes(connection, since=since, limit=limit)
        )

    def commits(self, *, before: int = 0, limit: int) -> tuple[tuple[int, CommitRow], ...]:
        """Return the newest commits (older than number ``before``), each with its number."""
        return self._read(lambda connection: commits.page(connection, before=before, limit=limit))

    def commit(self, revision: str) -> tuple[int, CommitRow] | None:
        """Return the commit of an id or of the beginning of one (7 digits or more)."""
        if not _REVISION.fullmatch(revision):
            return None
        return self._read(lambda connection: commits.find(connection, revision))

    def commits_until(self, number: int) -> tuple[CommitRow, ...]:
        """Return all accepted commits up to one, oldest first."""
        return self._read(lambda connection: commits.accepted_until(connection, number))

    def plans(self, *, limit: int) -> tuple[PostedPlan, ...]:
        """Return the plans that pull requests were shown, the newest first."""
        return self._read(lambda connection: posted.newest(connection, limit=limit))

    def plan(self, subject: str) -> PostedPlan | None:
        """Return what one (``pull/7``) was shown last."""
        return self._read(lambda connection: posted.find(connection, subject))

    def intervals(
        self, *, since: datetime, until: datetime, namespace: str = ""
    ) -> tuple[Interval, ...]:
        """Return what was held at any time between the two, as it was (not cut to them)."""
        return self._read(
            lambda connection: intervals.read(
                connection, since=since, until=until, namespace=namespace
            )
        )

    def used(self, *, since: datetime, until: datetime) -> Mapping[str, int]:
        """Return the CPUs that each namespace held between the two, in milli-CPU seconds."""
        return self._read(lambda connection: intervals.used(connection, since=since, until=until))

    def _read(self, work: Callable[[Connection], T]) -> T:
        with self._reached():
            return self._transactions.read(work)

    @contextmanager
    def _reached(self) -> Iterator[None]:
        database = self._engine.url.database
        if self._engine.dialect.name == "sqlite" and database and not Path(database).exists():
            # Connecting would make an empty file, which looks like a database.
            raise StoreUnavailable(NOT_PREPARED)
        with readable(self._engine.url):
            yield
