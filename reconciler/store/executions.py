"""Rows of executions: what lists and pages show, one per run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, RowMapping, bindparam, delete, select

from policy.model.execution import Uid
from reconciler.converge.status_document import StatusDocument
from reconciler.store.record_tables import harvests, tails
from reconciler.store.tables import executions, frozen_specs
from reconciler.store.upsert import upsert
from reconciler.stored import ExecutionRow


def write(
    connection: Connection, rows: Sequence[ExecutionRow], *, now: datetime, version: int
) -> None:
    """Insert or update ``rows``; equal ones keep the time and version of their last change."""
    upsert(
        connection,
        executions,
        [{**_row(row, now), "version": version} for row in rows],
        incidental=frozenset({"updated_at", "version"}),
    )


def forget(connection: Connection, uids: Sequence[Uid]) -> None:
    """Delete what is told of runs, and what was kept for telling it."""
    if not uids:
        return
    for table in (executions, frozen_specs, harvests, tails):
        gone = delete(table).where(table.c.uid == bindparam("gone"))
        connection.execute(gone, [{"gone": uid} for uid in uids])


def read(connection: Connection) -> tuple[ExecutionRow, ...]:
    """Return every run, by namespace, name and run."""
    order = (executions.c.namespace, executions.c.name, executions.c.run, executions.c.uid)
    columns = [column for column in executions.c if column.name != "version"]
    rows = connection.execute(select(*columns).order_by(*order)).mappings()
    # One after another: all documents at once, parsed, would be most of what a start takes.
    return tuple(map(_execution, rows))


def _execution(row: RowMapping) -> ExecutionRow:
    status = StatusDocument.of(row["status"])
    return ExecutionRow(**{**row, "uid": Uid(row["uid"]), "status": status})


def _row(row: ExecutionRow, now: datetime) -> dict[str, object]:
    return {
        "uid": row.uid,
        "namespace": row.namespace,
        "name": row.name,
        "run": row.run,
        "source_id": row.source_id,
        "phase": row.phase,
        "reason": row.reason,
        "status": row.status,
        "is_final": row.is_final,
        "updated_at": row.updated_at or now,
    }
