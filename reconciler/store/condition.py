"""What ``zoe doctor`` asks of a database: read only, and before anything is migrated."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, exists, select

from reconciler.ports import Schema, StoreCondition
from reconciler.store import lease, migrate
from reconciler.store.meta import key_mark
from reconciler.store.tables import lease as lease_row
from reconciler.store.tables import ledger, meta


def read(connection: Connection) -> StoreCondition:
    """Return the condition of the database behind a connection."""
    schema = Schema(migrate.compare(connection))
    now = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=lease.now_ms(connection))
    if schema is not Schema.CURRENT:
        return StoreCondition(schema=schema, now=now)
    return StoreCondition(
        schema=schema,
        now=now,
        deployment=connection.scalars(select(meta.c.deployment)).one_or_none() or "",
        has_facts=bool(connection.scalar(select(exists(select(ledger.c.seq))))),
        key_mark=key_mark(connection),
        epoch=connection.scalars(select(lease_row.c.epoch)).one_or_none() or 0,
    )
