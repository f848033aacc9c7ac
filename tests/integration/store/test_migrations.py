"""The revisions, on real databases."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from policy.model.execution import Uid
from reconciler.converge.ledger import Entry, Fact
from reconciler.errors import ConfigError
from reconciler.store import migrate
from reconciler.store.engine import open_engine, parse_url
from reconciler.store.record_tables import metadata
from tests.fixtures.postgres import DEPLOYMENT, OpenStore

ROOT = Path(__file__).parents[3]
_SQLITE_SCHEMA = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND type <> 'trigger'"
_POSTGRES_SCHEMA = """
    SELECT concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid))
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
    UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT concat_ws(' ', table_name, column_name, data_type, is_nullable, column_default)
    FROM information_schema.columns WHERE table_schema = 'public'
"""


def on(url: str, work: Callable[[Connection], Any]) -> Any:
    engine = open_engine(parse_url(url))
    try:
        with engine.begin() as connection:
            return work(connection)
    finally:
        engine.dispose()


def execute(url: str, statement: str) -> None:
    on(url, lambda connection: connection.execute(text(statement)))


def schema(connection: Connection) -> set[str]:
    is_sqlite = connection.dialect.name == "sqlite"
    lines = connection.scalars(text(_SQLITE_SCHEMA if is_sqlite else _POSTGRES_SCHEMA))
    # SQLite keeps the text as it was written, and writes an added column in its own way.
    told = (re.sub(r"\s*([(),])\s*", r"\1", " ".join(line.split())) for line in lines)
    return {line for line in told if "alembic_version" not in line}


def test_the_revisions_come_to_the_tables_in_the_code(database_url: str) -> None:
    def differences(connection: Connection) -> list[object]:
        return compare_metadata(MigrationContext.configure(connection), metadata)

    assert on(database_url, differences) == []


def test_the_revisions_that_are_known_by_their_files_are_those_that_alembic_runs() -> None:
    folder = ScriptDirectory(str(Path(migrate.__file__).with_name("migrations")))
    chain = [script.revision for script in folder.walk_revisions()]
    assert migrate.revisions() == chain[::-1]
    assert folder.get_heads() == chain[:1]


def test_constraints_are_those_in_the_code_too(database_url: str) -> None:
    # Alembic's comparison passes over checks and the names of keys. Views are the revisions' alone.
    execute(database_url, "DROP VIEW shown_logs")
    migrated = on(database_url, schema)
    on(database_url, metadata.drop_all)
    on(database_url, metadata.create_all)
    assert on(database_url, schema) == migrated


def test_facts_of_an_older_version_are_read_as_they_were(
    open_store: OpenStore, database_url: str
) -> None:
    """A version without the columns of 0006 wrote nothing into them."""
    insert = (
        "INSERT INTO ledger"
        " (uid, run, generation, attempt, fact, spec_hash, reason, node, at, epoch)"
        " VALUES ('a', 1, 1, 0, 'generation', 'h', '', '', '2026-01-01 00:00:00', 3)"
    )
    execute(database_url, insert)
    (entry,) = open_store(database_url).load().entries
    at = datetime(2026, 1, 1, tzinfo=UTC)
    assert entry == Entry(
        uid=Uid("a"),
        run=1,
        generation=1,
        fact=Fact.GENERATION,
        spec_hash="h",
        at=at,
        epoch=3,
        seq=1,
    )


def test_migrating_again_changes_nothing(open_store: OpenStore, empty_database_url: str) -> None:
    store = open_store(empty_database_url)
    store.migrate()
    before = on(empty_database_url, schema), store.load()
    store.migrate()
    assert (on(empty_database_url, schema), store.load()) == before


def test_a_start_that_has_nothing_to_migrate_loads_no_more_than_it_uses(tmp_path: Path) -> None:
    """On SQLite neither PostgreSQL's driver: thirty megabytes of a process that stays."""
    start = f"""
import random, sys
from reconciler.clock import SystemClock
from reconciler.store.repository import SqlStore
url = "sqlite:///{tmp_path}/zoe.db"
with SqlStore(url, deployment="zoe", clock=SystemClock(), random=random.Random()) as store:
    store.migrate()
    store.load()
print(*sys.modules)
"""
    for is_prepared in (False, True):
        done = subprocess.run(
            [sys.executable, "-c", start], cwd=ROOT, capture_output=True, text=True, check=True
        )
        loaded = {"alembic", "mako", "psycopg"} & set(done.stdout.split())
        assert bool(loaded) is not is_prepared


def test_many_that_start_together_migrate_once(
    open_store: OpenStore, empty_database_url: str
) -> None:
    stores = [open_store(empty_database_url) for _ in range(3)]
    together = threading.Barrier(len(stores))
    errors: list[Exception] = []

    def start(number: int) -> None:
        together.wait(10)
        try:
            stores[number].migrate()
        except Exception as error:  # noqa: BLE001 - whatever it is, the test must see it
            errors.append(error)

    threads = [threading.Thread(target=start, args=(number,)) for number in range(len(stores))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    assert stores[0].load().entries == ()


def test_a_database_newer_than_the_code_is_refused(
    open_store: OpenStore, database_url: str
) -> None:
    execute(database_url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(ConfigError, match=r"9999.*install that version"):
        open_store(database_url).migrate()


def test_somebody_elses_tables_are_left_alone(
    open_store: OpenStore, empty_postgres_url: str
) -> None:
    execute(empty_postgres_url, "CREATE TABLE events (id integer)")
    with pytest.raises(ConfigError, match=r"'events'.*database of its own"):
        open_store(empty_postgres_url).migrate()
    assert len(on(empty_postgres_url, schema)) == 1


def test_another_deployments_database_is_refused(open_store: OpenStore, database_url: str) -> None:
    open_store(database_url, deployment=DEPLOYMENT).migrate()
    with pytest.raises(ConfigError, match=f"'{DEPLOYMENT}', not 'staging'"):
        open_store(database_url, deployment="staging").migrate()


@pytest.mark.parametrize("statement", ["UPDATE ledger SET run = 2", "DELETE FROM ledger"])
def test_the_database_itself_keeps_the_ledger(database_url: str, statement: str) -> None:
    execute(
        database_url,
        "INSERT INTO ledger"
        " (uid, run, generation, attempt, fact, spec_hash, reason, node, at, epoch)"
        " VALUES ('a', 1, 0, 0, 'first_seen', '', '', '', '2026-01-01 00:00:00', 1)",
    )
    execute(
        database_url,
        "INSERT INTO executions"
        " (uid, namespace, name, run, source_id, phase, reason, status, is_final, updated_at)"
        " VALUES ('a', '', '', 1, '', '', '', '{}', true, '2026-01-01 00:00:00')",
    )
    with pytest.raises(Exception, match="the ledger is insert-only"):
        execute(database_url, statement)
    assert on(database_url, lambda c: c.scalar(text("SELECT run FROM ledger"))) == 1
