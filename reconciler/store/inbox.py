"""The database as the webhook receiver uses it: it adds, and reads nothing but its own.

Needs fewer rights than the loop's store, and neither migrates nor waits.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from random import Random
from typing import Self

from sqlalchemy import Connection

from reconciler.inbox import Delivery, Outcome
from reconciler.store import deliveries, reviews, wanted
from reconciler.store.engine import open_engine, parse_url
from reconciler.store.transactions import Transactions


class SqlInbox:
    """The inbox behind one URL (``reconciler.inbox.Inbox``). Creating it connects to nothing.

    Raises:
        ConfigError: The URL isn't usable.
    """

    def __init__(self, url: str, *, random: Random) -> None:
        self._engine = open_engine(parse_url(url))
        self._closed = threading.Event()
        self._transactions = Transactions(self._engine, random=random, wait=self._closed.wait)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._engine.dispose()

    def record(self, given: Sequence[Delivery]) -> tuple[bool, ...]:
        """Store what is new and what it asks for, in one transaction; tell which is new.

        Raises:
            StoreUnavailable: The database is away, or the loop hasn't made its tables yet.
        """
        return self._transactions.write(lambda connection: _record(connection, given))

    def check(self) -> None:
        """Raise StoreUnavailable where :meth:`record` would."""
        self._transactions.read(deliveries.check)


def _record(connection: Connection, given: Sequence[Delivery]) -> tuple[bool, ...]:
    is_new = deliveries.add(connection, given)
    new = [delivery for delivery, fresh in zip(given, is_new, strict=True) if fresh]
    reviews.request(connection, [d.review for d in new if d.review is not None])
    looks = {d.source_id: d.received_at for d in new if d.outcome is Outcome.LOOK}
    for source_id, at in looks.items():
        wanted.request(connection, source_id, now=at)
    return is_new
