"""Which sources want a pass now. Rows say it; notifications only wake who waits.

So a request survives a restart of either side, and many of one source are one.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, exists, func, select

from reconciler.store.tables import wanted
from reconciler.store.upsert import upsert

WANTED_CHANNEL = "zoe_wanted"
"""PostgreSQL channel that says: look at the rows."""


def request(connection: Connection, source_id: str, *, now: datetime) -> None:
    """Mark a source as wanted and wake the waiting loop when this commits.

    The row is written even if it is there: it may be one that is being taken at this moment.
    """
    upsert(connection, wanted, [{"source_id": source_id, "requested_at": now}])
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_notify(WANTED_CHANNEL, "")))


def take(connection: Connection) -> tuple[str, ...]:
    """Remove and return the wanted sources, sorted."""
    return tuple(sorted(connection.scalars(delete(wanted).returning(wanted.c.source_id))))


def is_any(connection: Connection) -> bool:
    """Tell whether a source is wanted."""
    return bool(connection.scalar(select(exists().select_from(wanted))))
