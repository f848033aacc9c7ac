"""Bringing a database's schema up to date, from the revisions shipped in this package."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, column, func, inspect, select, table, text

from reconciler.errors import ConfigError
from reconciler.store.record_tables import metadata

_SCRIPTS = Path(__file__).with_name("migrations")
_VERSION = table("alembic_version", column("version_num"))
_LOCK = 0x5A6F65
"""Any number that every process of ours uses and nobody else is likely to ("Zoe" in ASCII)."""


def upgrade(connection: Connection) -> None:
    """Run the revisions that the database doesn't have, all in the caller's transaction.

    Other processes that start at the same time wait for its end: on PostgreSQL by a lock that
    ends with the transaction (a session's lock would outlive a connection given back to the
    pool), on SQLite since the transaction holds the only write lock.

    Raises:
        ConfigError: The database is newer than this code, or holds tables that aren't ours.
    """
    if connection.dialect.name == "postgresql":
        # A migration may take longer than any other statement, and so may waiting for one.
        connection.execute(text("SET LOCAL statement_timeout = 0"))
        connection.execute(text("SET LOCAL lock_timeout = '60s'"))
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    there, known = _there(connection), revisions()
    if there == known[-1]:
        return
    if there and there not in known:
        raise ConfigError(
            f"the database is of a newer version than this program (revision {there}):"
            " install that version again, or restore the backup made before it"
        )
    if not there:
        _refuse_foreign(connection)
    _run(connection)


def compare(connection: Connection) -> str:
    """Return none, older, current or newer: the schema that is there against the one we want."""
    there, known = _there(connection), revisions()
    if not there:
        return "none"
    if there == known[-1]:
        return "current"
    return "older" if there in known else "newer"


def revisions() -> list[str]:
    """Return the revisions that are shipped, oldest first: each file's name begins with its."""
    return sorted(path.name.partition("_")[0] for path in (_SCRIPTS / "versions").glob("[0-9]*.py"))


def _there(connection: Connection) -> str:
    """Return the revision that a database has; "" before the first."""
    if not inspect(connection).has_table(_VERSION.name):
        return ""
    return connection.scalar(select(_VERSION.c.version_num)) or ""


def _run(connection: Connection) -> None:
    # Here, since hardly any start has anything to run, and it takes eight megabytes.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _refuse_foreign(connection: Connection) -> None:
    there = sorted(set(inspect(connection).get_table_names()) & set(metadata.tables))
    if there:
        raise ConfigError(
            f"the database has a table {there[0]!r} that this program didn't make:"
            " give it a database of its own"
        )
