"""The loop's sign of life, and what its passes did. Written without a new version."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from reconciler.reporting.records import PassRow, Pulse
from reconciler.store.record_tables import passes, pulse
from reconciler.store.tables import ONLY_ROW
from reconciler.store.upsert import upsert


def write(connection: Connection, beat: Pulse) -> None:
    """Replace the sign of life."""
    row = {
        "id": ONLY_ROW,
        "at": beat.at,
        "tried_at": beat.tried_at,
        "interval_s": beat.interval_s,
        "commit_id": beat.commit,
        "problem": beat.problem,
    }
    upsert(connection, pulse, [row])


def read(connection: Connection) -> Pulse | None:
    """Return the sign of life, if there ever was one."""
    row = connection.execute(select(pulse)).one_or_none()
    if row is None:
        return None
    return Pulse(
        at=row.at,
        tried_at=row.tried_at,
        interval_s=row.interval_s,
        commit=row.commit_id,
        problem=row.problem,
    )


def add_pass(connection: Connection, row: PassRow) -> None:
    """Append what a pass did."""
    values = {c.name: getattr(row, c.name) for c in passes.c if c.name not in ("id", "commit_id")}
    connection.execute(insert(passes), {**values, "commit_id": row.commit})


def read_passes(connection: Connection, *, since: datetime, limit: int) -> tuple[PassRow, ...]:
    """Return the newest ``limit`` passes since then, oldest first."""
    columns = [column for column in passes.c if column.name not in ("id", "commit_id")]
    query = select(*columns, passes.c.commit_id.label("commit")).where(passes.c.at >= since)
    rows = connection.execute(query.order_by(passes.c.id.desc()).limit(limit)).mappings()
    return tuple(PassRow(**row) for row in reversed(rows.all()))


def forget(connection: Connection, *, before: datetime) -> int:
    """Remove passes from before a time; return how many."""
    return connection.execute(delete(passes).where(passes.c.at < before)).rowcount
