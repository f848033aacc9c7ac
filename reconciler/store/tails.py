"""Whose logs somebody looks at, and what was read of them last. Written without a new version."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, exists, select

from policy.model.execution import Uid
from reconciler.reporting.records import Tail
from reconciler.store.record_tables import looks, tails
from reconciler.store.tables import executions
from reconciler.store.upsert import upsert


def look_at(connection: Connection, uid: Uid, *, now: datetime) -> None:
    """Ask for the logs of a run; one that isn't known isn't asked for."""
    if connection.scalar(select(exists(select(executions.c.uid).where(executions.c.uid == uid)))):
        upsert(connection, looks, [{"uid": uid, "asked_at": now}])


def looked_at(connection: Connection, *, since: datetime, limit: int) -> tuple[Uid, ...]:
    """Return the runs that were asked for since then, the newest request first."""
    query = select(looks.c.uid).where(looks.c.asked_at >= since)
    newest = query.order_by(looks.c.asked_at.desc(), looks.c.uid).limit(limit)
    return tuple(map(Uid, connection.scalars(newest)))


def write(connection: Connection, rows: Sequence[Tail]) -> None:
    """Insert or replace tails by run, component and node."""
    upsert(
        connection,
        tails,
        [
            {
                "uid": row.uid,
                "component": row.component,
                "node": row.node,
                "text": row.text,
                "at": row.at,
            }
            for row in rows
        ],
    )


def read(connection: Connection, uid: Uid) -> tuple[Tail, ...]:
    """Return the tails of a run, by component and node."""
    order = (tails.c.component, tails.c.node)
    rows = connection.execute(select(tails).where(tails.c.uid == uid).order_by(*order)).mappings()
    return tuple(Tail(**{**row, "uid": Uid(row["uid"])}) for row in rows)


def forget(connection: Connection, *, before: datetime) -> int:
    """Remove requests and tails from before a time; return how many tails went."""
    connection.execute(delete(looks).where(looks.c.asked_at < before))
    return connection.execute(delete(tails).where(tails.c.at < before)).rowcount
