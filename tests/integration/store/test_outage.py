"""Databases that go away, are busy, or ask for another try."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Iterator
from random import Random

import psycopg
import pytest
from sqlalchemy import Connection, event, text

from reconciler.errors import ConfigError, StoreUnavailable
from reconciler.ports import Changes
from reconciler.store.engine import open_engine, parse_url
from reconciler.store.meta import STATE_CHANNEL
from reconciler.store.transactions import TRIES, Transactions
from tests.fixtures.postgres import OpenStore, PostgresCluster, wait_until

pytestmark = pytest.mark.postgres

TERMINATE = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
LISTENING = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"


@pytest.fixture
def outage(postgres_cluster: PostgresCluster) -> Iterator[PostgresCluster]:
    """The cluster, to be stopped; it runs again afterwards."""
    yield postgres_cluster
    if not postgres_cluster.is_running:
        postgres_cluster.start()


def is_listening(url: str) -> bool:
    with psycopg.connect(url, autocommit=True) as connection:
        query = f"{LISTENING} AND datname = current_database()"
        return connection.execute(query).fetchone() == (1,)


def test_a_store_heals_when_the_server_is_back(
    outage: PostgresCluster, open_store: OpenStore, postgres_url: str
) -> None:
    store = open_store(postgres_url)
    lease = store.acquire_lease("here", ttl_s=60)
    assert lease is not None
    store.commit(Changes(snapshot="before"), lease)
    outage.stop()
    attempts: list[Callable[[], object]] = [
        store.load,
        store.state_version,
        store.take_wanted,
        store.migrate,
        lambda: store.request_pass("main"),
        lambda: store.commit(Changes(snapshot="during"), lease),
        lambda: store.renew_lease(lease, ttl_s=60),
    ]
    for attempt in attempts:
        with pytest.raises(StoreUnavailable):
            attempt()
    assert not store.wait_for_wanted(0.05)
    outage.start()
    store.commit(Changes(accepted={"main": "c1"}), lease)
    stored = store.load()
    assert (stored.snapshot, stored.accepted) == ("before", {"main": "c1"})


def test_who_waits_through_an_outage_is_woken_after_it(
    outage: PostgresCluster, open_store: OpenStore, postgres_url: str
) -> None:
    store = open_store(postgres_url)
    answers: list[bool] = []
    resume, answered = threading.Semaphore(0), threading.Semaphore(0)

    def wait_twice() -> None:
        for _ in range(2):
            answers.append(store.wait_for_wanted(60))
            answered.release()
            resume.acquire(timeout=60)

    thread = threading.Thread(target=wait_twice)
    thread.start()
    wait_until(lambda: is_listening(postgres_url))
    outage.stop()
    assert answered.acquire(timeout=10), "the break itself is worth a look"
    resume.release()
    outage.start()
    assert answered.acquire(timeout=10), "what was asked meanwhile may have been missed"
    resume.release()
    thread.join(10)
    assert answers == [True, True]


def test_a_listener_that_was_cut_off_listens_again(
    open_store: OpenStore, postgres_url: str
) -> None:
    store = open_store(postgres_url)
    assert not store.wait_for_wanted(0)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(TERMINATE)
    assert store.wait_for_wanted(10), "the break itself is worth a look"
    wait_until(lambda: not store.wait_for_wanted(0.05))
    open_store(postgres_url).request_pass("main")
    assert store.wait_for_wanted(10)


def test_each_write_tells_its_version(open_store: OpenStore, postgres_url: str) -> None:
    store = open_store(postgres_url)
    lease = store.acquire_lease("here", ttl_s=60)
    assert lease is not None
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"LISTEN {STATE_CHANNEL}")
        store.commit(Changes(snapshot="x" * 10_000), lease)
        (told,) = connection.notifies(timeout=10, stop_after=1)
    assert told.payload == str(store.state_version())


def test_a_deadlock_is_tried_again_as_a_whole(postgres_url: str) -> None:
    engine = open_engine(parse_url(postgres_url))
    delays: list[float] = []
    both_hold_one = threading.Barrier(2)
    runs: list[str] = []

    def move(first: str, second: str) -> Callable[[Connection], None]:
        is_first_run = [True]

        def work(connection: Connection) -> None:
            runs.append(first)
            take(connection, first)
            if is_first_run.pop() if is_first_run else False:
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
    assert len(runs) == 3
    assert len(delays) == 1


class TestBusySqlite:
    """One writer at a time: the second waits, then tries again, and at last gives up."""

    @pytest.fixture
    def engine(self, sqlite_url: str) -> Iterator[object]:
        engine = open_engine(parse_url(sqlite_url))
        event.listen(engine, "connect", self._dont_wait)
        yield engine
        engine.dispose()

    @staticmethod
    def _dont_wait(connection: object, _record: object) -> None:
        connection.execute("PRAGMA busy_timeout = 0")

    def test_it_goes_on_when_the_other_is_done(self, engine: object) -> None:
        other = engine.connect()
        other.exec_driver_sql("INSERT INTO wanted VALUES ('a', '2026-01-01')")
        transactions = Transactions(engine, random=Random(1), wait=lambda _: other.commit())
        transactions.write(lambda connection: connection.execute(text("DELETE FROM wanted")))
        other.close()
        assert transactions.read(lambda c: c.scalar(text("SELECT count(*) FROM wanted"))) == 0

    def test_it_gives_up_after_some_tries_with_growing_jitter(self, engine: object) -> None:
        other = engine.connect()
        other.exec_driver_sql("INSERT INTO wanted VALUES ('a', '2026-01-01')")
        delays: list[float] = []
        transactions = Transactions(engine, random=Random(1), wait=delays.append)
        with pytest.raises(StoreUnavailable, match="locked"):
            transactions.write(lambda connection: None)
        other.close()
        assert len(delays) == TRIES - 1
        assert all(0 <= delay <= 0.02 * 2**n for n, delay in enumerate(delays, start=1))


class TestPasswords:
    SECRET = "s3cr/t p@ss"

    def test_they_are_in_no_message(self, open_store: OpenStore) -> None:
        store = open_store("postgresql://zoe:s3cr%2Ft+p%40ss@127.0.0.1:1/zoe")
        with pytest.raises(StoreUnavailable, match="Connection refused") as caught:
            store.load()
        told = "".join(traceback.format_exception(caught.value)) + repr(store.__dict__)
        assert "zoe:***@127.0.0.1" in str(caught.value)
        for spelling in ("s3cr/t", "s3cr%2Ft"):
            assert spelling not in told

    @pytest.mark.parametrize(
        "url", ["s3cr3t", "mysql://u:s3cr3t@h/d", "sqlite://", "sqlite:///:memory:"]
    )
    def test_an_unusable_url_is_the_operators_to_fix(self, open_store: OpenStore, url: str) -> None:
        with pytest.raises(ConfigError, match="database_url") as caught:
            open_store(url)
        assert "s3cr3t" not in "".join(traceback.format_exception(caught.value))


def test_sessions_have_their_settings(database_url: str) -> None:
    engine = open_engine(parse_url(database_url))

    def ask(query: str) -> object:
        with engine.connect() as connection:
            return connection.exec_driver_sql(query).scalar_one()

    if engine.dialect.name == "sqlite":
        names = ("journal_mode", "busy_timeout", "foreign_keys", "synchronous")
        found = [ask(f"PRAGMA {name}") for name in names]
        assert found == ["wal", 5000, 1, 1]
    else:
        names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
        assert [ask(f"SHOW {name}") for name in names] == ["15s", "5s", "15s"]
    engine.dispose()


def test_a_file_that_is_no_database_is_reported(open_store: OpenStore, tmp_path: object) -> None:
    (tmp_path / "zoe.db").write_text("not a database at all" * 100)
    with pytest.raises(StoreUnavailable, match="not a database"):
        open_store(f"sqlite:///{tmp_path / 'zoe.db'}").migrate()
