"""PostgreSQL going away and coming back, and what it tells who listens."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import psycopg
import pytest

from reconciler.errors import StoreUnavailable
from reconciler.store.engine import open_engine, parse_url
from reconciler.store.meta import STATE_CHANNEL
from reconciler.store.stalled import end
from reconciler.stored import Changes
from tests.fixtures.postgres import OpenStore, PostgresCluster, wait_until
from tests.fixtures.slow_link import SlowLink, slow_postgres

pytestmark = pytest.mark.postgres

TERMINATE = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
CUT_AT_COMMIT = """
    CREATE SEQUENCE runs;
    CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN
        PERFORM nextval('runs'), pg_terminate_backend(pg_backend_pid());
        RETURN NULL;
    END $$;
    CREATE CONSTRAINT TRIGGER cut_at_commit AFTER INSERT ON published
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION cut();
"""
WAITS_FOR_LOCK = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
LISTENING = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"


@pytest.fixture
def outage(postgres_cluster: PostgresCluster) -> Iterator[PostgresCluster]:
    """The cluster, to be stopped; it runs again afterwards."""
    yield postgres_cluster
    if not postgres_cluster.is_running:
        postgres_cluster.start()


@pytest.fixture
def link(postgres_cluster: PostgresCluster, postgres_url: str) -> Iterator[tuple[SlowLink, str]]:
    """A way to the test's database that can hang, and the URL that leads over it."""
    there = postgres_cluster.socket_folder
    with slow_postgres(there, delay_s=0.001) as (link, folder):
        yield link, postgres_url.replace(str(there), str(folder))


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


def test_a_restart_between_two_calls_goes_unnoticed(
    outage: PostgresCluster, open_store: OpenStore, postgres_url: str
) -> None:
    # The pool's connections are dead then, and nothing has told it.
    store = open_store(postgres_url)
    before = store.load()
    outage.stop()
    outage.start()
    assert store.load() == before


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
    assert answered.acquire(timeout=30), "the break itself is worth a look"
    resume.release()
    outage.start()
    assert answered.acquire(timeout=30), "what was asked meanwhile may have been missed"
    resume.release()
    thread.join(30)
    assert answers == [True, True]


def test_a_listener_that_was_cut_off_listens_again(
    open_store: OpenStore, postgres_url: str
) -> None:
    store = open_store(postgres_url)
    assert not store.wait_for_wanted(0)
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(TERMINATE)
    assert store.wait_for_wanted(30), "the break itself is worth a look"
    wait_until(lambda: not store.wait_for_wanted(0.05))
    open_store(postgres_url).request_pass("main")
    assert store.wait_for_wanted(30)


def test_each_write_tells_its_version(open_store: OpenStore, postgres_url: str) -> None:
    store = open_store(postgres_url)
    lease = store.acquire_lease("here", ttl_s=60)
    assert lease is not None
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"LISTEN {STATE_CHANNEL}")
        store.commit(Changes(snapshot="x" * 10_000), lease)
        (told,) = connection.notifies(timeout=30, stop_after=1)
    assert told.payload == str(store.state_version())


def test_a_commit_that_was_cut_off_isnt_tried_again(
    open_store: OpenStore, postgres_url: str
) -> None:
    # Nobody can know then whether it was written, and facts must not be written twice.
    store = open_store(postgres_url)
    lease = store.acquire_lease("here", ttl_s=60)
    assert lease is not None
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(CUT_AT_COMMIT)
        with pytest.raises(StoreUnavailable, match="terminat"):
            store.commit(Changes(snapshot="x", published={"a": "1"}), lease)
        assert connection.execute("SELECT nextval('runs')").fetchone() == (2,)
    assert store.load().snapshot is None


def test_a_server_that_says_nothing_is_given_up_and_asked_again(
    open_store: OpenStore, link: tuple[SlowLink, str]
) -> None:
    hung, url = link
    store = open_store(url, silence_s=1)
    before = store.load()
    with hung.held(), pytest.raises(StoreUnavailable, match="didn't answer in time"):
        store.load()
    assert store.load() == before


def test_a_commit_that_hangs_is_over_before_anybody_leads_again(
    open_store: OpenStore, link: tuple[SlowLink, str], postgres_url: str
) -> None:
    # It may come through long after it was given up: who read before would enter its facts twice.
    hung, url = link
    store = open_store(url, silence_s=1)
    lease = store.acquire_lease("here", ttl_s=60)
    assert lease is not None
    hung.trap = b"COMMIT"
    with pytest.raises(StoreUnavailable, match="didn't answer in time"):
        store.commit(Changes(snapshot="late"), lease)
    found: list[str | None] = []

    def lead_again() -> None:
        again = open_store(postgres_url)
        assert again.acquire_lease("here", ttl_s=60) is not None
        found.append(again.load().snapshot)

    thread = threading.Thread(target=lead_again)
    thread.start()
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        wait_until(lambda: connection.execute(WAITS_FOR_LOCK).fetchone() == (1,))
    assert found == []
    hung.release()
    thread.join(30)
    assert found == ["late"]


def test_who_was_frozen_between_two_statements_keeps_nobody_from_leading(
    open_store: OpenStore, postgres_url: str
) -> None:
    # As executemany sends them. For the server that session is active, so no time-out ends it.
    store = open_store(postgres_url)
    with psycopg.connect(postgres_url, application_name="zoe") as frozen:
        frozen.execute("SELECT 1")
        frozen.pgconn.enter_pipeline_mode()
        frozen.pgconn.send_query_params(b"UPDATE meta SET state_version = state_version", None)
        frozen.pgconn.send_flush_request()
        frozen.pgconn.flush()
        engine = open_engine(parse_url(postgres_url))

        def ended(after_s: float) -> int:
            # Within one transaction PostgreSQL would go on showing the sessions of its first look.
            with engine.connect() as connection:
                return end(connection, after_s=after_s)

        wait_until(lambda: ended(0.2) == 1)
        wait_until(lambda: ended(0) == 0)  # it takes a moment to go; nobody else, and not itself
        engine.dispose()
        store.migrate()
        assert store.acquire_lease("here", ttl_s=60) is not None
        frozen.close()
