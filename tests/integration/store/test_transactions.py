"""Databases that undo a transaction, or are busy, and ask for another try."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from random import Random

import pytest
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection

from reconciler.errors import StoreUnavailable
from reconciler.store.engine import open_engine, parse_url
from reconciler.store.transactions import TRIES, Transactions


def test_a_read_sees_the_database_as_of_one_moment(database_url: str) -> None:
    engine = open_engine(parse_url(database_url))
    transactions = Transactions(engine, random=Random(1), wait=lambda _: None)
    count = text("SELECT count(*) FROM published")

    def read_twice(connection: Connection) -> tuple[int, int]:
        before = connection.scalar(count)
        transactions.write(
            lambda other: other.execute(text("INSERT INTO published VALUES ('a', '1')"))
        )
        return before, connection.scalar(count)

    assert transactions.read(read_twice) == (0, 0)
    assert transactions.read(lambda connection: connection.scalar(count)) == 1
    engine.dispose()


@pytest.mark.postgres
def test_a_deadlock_is_tried_again_as_a_whole(postgres_url: str) -> None:
    engine = open_engine(parse_url(postgres_url))
    delays: list[float] = []
    both_hold_one = threading.Barrier(2)
    runs: list[str] = []

    def move(first: str, second: str) -> Callable[[Connection], None]:
        def work(connection: Connection) -> None:
            runs.append(first)
            take(connection, first)
            if runs.count(first) == 1:
                both_hold_one.wait(10)
            take(connection, second)

        return work

    def take(connection: Connection, source: str) -> None:
        connection.execute(
            text("UPDATE sources SET commit_id = commit_id || 'x' WHERE source_id = :source"),
            {"source": source},
        )

    transactions = Transactions(engine, random=Random(1), wait=delays.append)
    transactions.write(
        lambda connection: connection.execute(
            text("INSERT INTO sources VALUES ('a', '', now()), ('b', '', now())")
        )
    )
    threads = [
        threading.Thread(target=transactions.write, args=(move(*order),))
        for order in (("a", "b"), ("b", "a"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    commits = transactions.read(
        lambda connection: connection.scalars(text("SELECT commit_id FROM sources")).all()
    )
    engine.dispose()
    assert commits == ["xx", "xx"], "each moved both, once"
    assert len(runs) > 2, "at least one met the deadlock and began again"
    assert len(delays) == len(runs) - 2, "it waited before each time"


class TestBusySqlite:
    """One writer at a time: the second waits, then tries again, and at last gives up."""

    @pytest.fixture
    def engine(self, sqlite_url: str) -> Iterator[Engine]:
        engine = open_engine(parse_url(sqlite_url))
        event.listen(engine, "connect", self._dont_wait)
        yield engine
        engine.dispose()

    @staticmethod
    def _dont_wait(connection: DBAPIConnection, _record: object) -> None:
        connection.execute("PRAGMA busy_timeout = 0")

    def test_it_goes_on_when_the_other_is_done(self, engine: Engine) -> None:
        other = engine.connect()
        other.exec_driver_sql("INSERT INTO wanted VALUES ('a', '2026-01-01')")
        transactions = Transactions(engine, random=Random(1), wait=lambda _: other.commit())
        transactions.write(lambda connection: connection.execute(text("DELETE FROM wanted")))
        other.close()
        assert transactions.read(lambda c: c.scalar(text("SELECT count(*) FROM wanted"))) == 0

    def test_it_gives_up_after_some_tries_with_growing_jitter(self, engine: Engine) -> None:
        other = engine.connect()
        other.exec_driver_sql("INSERT INTO wanted VALUES ('a', '2026-01-01')")
        delays: list[float] = []
        transactions = Transactions(engine, random=Random(1), wait=delays.append)
        with pytest.raises(StoreUnavailable, match="locked"):
            transactions.write(lambda connection: None)
        other.close()
        assert len(delays) == TRIES - 1
        assert all(0 <= delay <= 0.02 * 2**n for n, delay in enumerate(delays, start=1))
