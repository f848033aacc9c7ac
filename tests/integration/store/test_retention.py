"""What the database loses when it is past its time, and what it never does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, update
from sqlalchemy.exc import DatabaseError

from policy.model.execution import Uid
from reconciler.converge.ledger import Entry, Fact
from reconciler.ports import Lease
from reconciler.reporting.records import Event
from reconciler.store.engine import open_engine, parse_url
from reconciler.store.repository import SqlStore
from reconciler.store.tables import ledger
from reconciler.stored import Changes
from tests.contract.test_store import OTHER, UID, entry, row
from tests.fixtures.postgres import FixedClock

AT = datetime(2026, 1, 1, tzinfo=UTC)
OLD = AT - timedelta(days=91)
NOTHING = dict.fromkeys(
    ("deliveries", "reviews", "plans", "letters", "events", "results", "passes", "commits"), 0
) | dict.fromkeys(("facts", "accounts", "logs"), 0)


def facts(store: SqlStore) -> list[tuple[Uid, Fact]]:
    return [(found.uid, found.fact) for found in store.load().entries]


@pytest.mark.parametrize(
    "change",
    [
        delete(ledger).where(ledger.c.uid == UID),
        delete(ledger).where(ledger.c.uid == ""),
        update(ledger).where(ledger.c.uid == OTHER).values(reason="another"),
    ],
)
def test_no_fact_changes_and_none_goes_of_a_run_that_is_told_of(
    store: SqlStore, lease: Lease, database_url: str, change: object
) -> None:
    confirmed = Entry(uid=Uid(""), run=0, fact=Fact.CONFIRMED, at=OLD)
    store.commit(Changes(facts=(entry(), entry(uid=OTHER), confirmed), executions=(row(),)), lease)
    before = store.load()
    engine = open_engine(parse_url(database_url))
    with pytest.raises(DatabaseError, match="insert-only"), engine.begin() as connection:
        connection.execute(change)  # type: ignore[call-overload]
    engine.dispose()
    assert store.load() == before


def test_old_facts_of_runs_that_are_not_told_of_go_but_for_the_newest_of_all(
    store: SqlStore, lease: Lease, store_clock: FixedClock
) -> None:
    store_clock.time = AT
    old, young = entry(at=OLD), entry(Fact.GENERATION, at=AT)
    store.commit(Changes(facts=(old, young, entry(uid=OTHER, at=OLD))), lease)
    assert store.forget() == NOTHING | {"facts": 1}
    assert facts(store) == [(UID, Fact.GENERATION), (OTHER, Fact.FIRST_SEEN)]


def test_a_dry_run_says_what_would_go_and_nothing_does(
    store: SqlStore, lease: Lease, store_clock: FixedClock
) -> None:
    store_clock.time = AT
    told = tuple(Event(at=OLD, reason="R", message=f"{n}") for n in range(3))
    store.commit(Changes(facts=(entry(at=OLD), entry(at=OLD, uid=OTHER)), events=told), lease)
    before, version = store.load(), store.state_version()
    would = store.forget(tries_only=True)
    assert would == NOTHING | {"facts": 1, "events": 3}
    assert (store.load(), len(store.events()), store.state_version()) == (before, 3, version)
    assert store.forget() == would
    assert store.forget() == NOTHING


def test_a_file_is_made_smaller_where_much_of_it_is_free(
    store: SqlStore, lease: Lease, store_clock: FixedClock
) -> None:
    store_clock.time = AT
    assert store.compact() == 0
    told = tuple(Event(at=OLD, reason="R", message=f"{n}" * 500) for n in range(2000))
    store.commit(Changes(events=told), lease)
    store.forget()
    is_sqlite = store._engine.dialect.name == "sqlite"
    assert (store.compact() > 10**6) is is_sqlite
    assert store.compact() == 0
