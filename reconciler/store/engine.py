"""From a database URL to an engine: drivers, time-outs, pragmas, and how a transaction begins."""

from __future__ import annotations

from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry

from reconciler.errors import ConfigError
from reconciler.store.column_types import dump_json

SILENCE_S = 20.0
"""Longer than PostgreSQL may take for a statement, shorter than a lease is by default."""

IS_WRITE = "zoe_is_write"
"""Execution option of a connection whose transactions will write."""

# Short against the lease: a statement that hangs must end before the lease does.
_SESSION_SETTINGS = (
    "SELECT set_config('statement_timeout', '15s', false),"
    " set_config('lock_timeout', '5s', false),"
    " set_config('idle_in_transaction_session_timeout', '15s', false),"
    " set_config('timezone', 'UTC', false)"
)
_CONNECT_ARGUMENTS = {
    "connect_timeout": 5,
    # A peer that vanished without a word is noticed in seconds, not after TCP's two hours.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
    "application_name": "zoe",
}
_POOL: dict[str, Any] = {"pool_size": 5, "max_overflow": 5, "pool_timeout": 5}
_PRAGMAS = (
    "PRAGMA busy_timeout = 5000",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = NORMAL",
    "PRAGMA foreign_keys = ON",
)


def parse_url(text: str) -> URL:
    """Return the URL with the driver that we use.

    Raises:
        ConfigError: It is no URL, names another database, or SQLite in memory (which every
            connection would see differently).
    """
    try:
        url = make_url(text)
    except ArgumentError:
        # Neither the text nor the cause is shown: both may hold a password.
        raise ConfigError(
            "database_url is not a URL: write sqlite:///FILE or postgresql://USER@HOST/NAME"
        ) from None
    match url.get_backend_name():
        case "sqlite":
            if not url.database or url.database == ":memory:":
                raise ConfigError("database_url names no file: write sqlite:///FILE")
            return url.set(drivername="sqlite+pysqlite")
        case "postgresql" | "postgres":
            return url.set(drivername="postgresql+psycopg")
        case other:
            raise ConfigError(f"database_url: {other} isn't supported: use sqlite or postgresql")


def open_engine(url: URL, *, silence_s: float = SILENCE_S) -> Engine:
    """Return an engine for a URL of :func:`parse_url`. Connects to nothing yet.

    A PostgreSQL that answers nothing for ``silence_s`` is given up.
    """
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, json_serializer=dump_json, hide_parameters=True, **_POOL)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    engine = create_engine(
        url,
        json_serializer=dump_json,
        hide_parameters=True,
        pool_pre_ping=True,
        pool_recycle=1800,
        # What the operator wrote into the URL goes before ours.
        connect_args={
            name: value for name, value in _CONNECT_ARGUMENTS.items() if name not in url.query
        },
        **_POOL,
    )

    # Here, since its driver is ten megabytes that SQLite doesn't need.
    from reconciler.store.silence import connected

    def connect(_dialect: object, _record: object, _none: object, named: dict[str, Any]) -> object:
        return connected(named, silence_s=silence_s)

    event.listen(engine, "do_connect", connect)
    event.listen(engine, "connect", _prepare_postgres)
    return engine


def listening_arguments(engine: Engine) -> dict[str, Any]:
    """Return what ``psycopg.connect`` needs for a connection of its own, outside the pool."""
    _, arguments = engine.dialect.create_connect_args(engine.url)
    return {**_CONNECT_ARGUMENTS, **arguments, "autocommit": True}


def _prepare_sqlite(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    # The driver's own BEGIN would come too late and only before some statements; see below.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later can't wait for another writer: SQLite
    # refuses it at once. So those that will write take the lock at their start.
    is_write = connection.get_execution_options().get(IS_WRITE, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_write else "BEGIN")


def _prepare_postgres(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    # Set here and not in the connection string: poolers in between refuse its `options`.
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute(_SESSION_SETTINGS)
    cursor.close()
    connection.autocommit = False
