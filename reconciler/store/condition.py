"""What ``zoe doctor`` asks of a database: read only, and before anything is migrated."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, exists, select

from reconciler.store import lease, migrate
from reconciler.store.tables import ledger, meta


class Schema(StrEnum):
    """How the tables compare with what this version wants."""

    NONE = "none"
    OLDER = "older"
    CURRENT = "current"
    NEWER = "newer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """``now`` is the database's own time. Without current tables the rest isn't looked at."""

    schema: Schema
    now: datetime
    deployment: str = ""
    has_facts: bool = False


def read(connection: Connection) -> Condition:
    """Return the condition of the database behind a connection."""
    schema = Schema(migrate.compare(connection))
    now = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=lease.now_ms(connection))
    if schema is not Schema.CURRENT:
        return Condition(schema=schema, now=now)
    return Condition(
        schema=schema,
        now=now,
        deployment=connection.scalars(select(meta.c.deployment)).one_or_none() or "",
        has_facts=bool(connection.scalar(select(exists(select(ledger.c.seq))))),
    )
