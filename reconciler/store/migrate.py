"""Bringing a database's schema up to date, from the revisions shipped in this package."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, func, inspect, select, text

from reconciler.errors import ConfigError
from reconciler.store.record_tables import metadata

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
    config = _config(connection)
    script = ScriptDirectory.from_config(config)
    heads = MigrationContext.configure(connection).get_current_heads()
    if heads == tuple(script.get_heads()):
        return
    _refuse_newer(script, heads)
    if not heads:
        _refuse_foreign(connection)
    command.upgrade(config, "head")


def compare(connection: Connection) -> str:
    """Return none, older, current or newer: the schema that is there against the one we want."""
    script = ScriptDirectory.from_config(_config(connection))
    heads = MigrationContext.configure(connection).get_current_heads()
    if not heads:
        return "none"
    if heads == tuple(script.get_heads()):
        return "current"
    return "older" if set(heads) <= {r.revision for r in script.walk_revisions()} else "newer"


def _config(connection: Connection) -> Config:
    config = Config()
    scripts = str(Path(__file__).with_name("migrations"))
    config.set_main_option("script_location", scripts.replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _refuse_newer(script: ScriptDirectory, heads: tuple[str, ...]) -> None:
    known = {revision.revision for revision in script.walk_revisions()}
    unknown = sorted(set(heads) - known)
    if unknown:
        raise ConfigError(
            f"the database is of a newer version than this program (revision {unknown[0]}):"
            " install that version again, or restore the backup made before it"
        )


def _refuse_foreign(connection: Connection) -> None:
    there = sorted(set(inspect(connection).get_table_names()) & set(metadata.tables))
    if there:
        raise ConfigError(
            f"the database has a table {there[0]!r} that this program didn't make:"
            " give it a database of its own"
        )
