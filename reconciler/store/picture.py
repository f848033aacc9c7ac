"""The picture of everything, read anew only where it changed.

Each row says which version wrote it. Rows that were deleted say nothing, so where more are
remembered than there are, all that is there is asked for by its uid.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from policy.model.execution import Uid
from reconciler.store import boards, pulses
from reconciler.store.tables import executions, meta, snapshots
from reconciler.view.picture import Orders, Picture


def read(connection: Connection, last: Picture | None, *, now: datetime) -> Picture:
    """Return what is known as of one moment; ``last`` may be of another database altogether."""
    row = connection.execute(select(meta.c.deployment, meta.c.state_version)).one()
    if last is not None and (last.deployment != row.deployment or last.version > row.state_version):
        last = None  # restored from a backup, or another one
    pulse = pulses.read(connection)
    if last is not None and last.version == row.state_version:
        documents, board, snapshot = last.documents, last.board, (last.snapshot_id, last.snapshot)
    else:
        since = last.version if last is not None else 0
        documents = _documents(connection, last)
        board = boards.read(connection, since=since, last=last.board if last else None)
        snapshot = _snapshot(connection, last)
    return Picture(
        deployment=row.deployment,
        version=row.state_version,
        read_at=now,
        pulse=pulse,
        documents=documents,
        board=board,
        snapshot_id=snapshot[0],
        snapshot=snapshot[1],
        orders=last.orders if last is not None else Orders(documents),
    )


def _documents(connection: Connection, last: Picture | None) -> Mapping[Uid, Mapping[str, Any]]:
    """Return all documents; the very mapping of before where none is another."""
    query = select(executions.c.uid, executions.c.status)
    if last is not None:
        query = query.where(executions.c.version > last.version)
    changed = {Uid(row.uid): row.status for row in connection.execute(query)}
    known = last.documents if last is not None else {}
    if changed:
        known = {**known, **changed}
    if len(known) != connection.scalar(select(func.count()).select_from(executions)):
        there = set(connection.scalars(select(executions.c.uid)))
        known = {uid: document for uid, document in known.items() if uid in there}
    return known


def _snapshot(connection: Connection, last: Picture | None) -> tuple[str, str]:
    query = select(snapshots.c.digest, snapshots.c.text)
    if last is not None and last.snapshot:
        query = query.where(snapshots.c.version > last.version)
    row = connection.execute(query).one_or_none()
    if row is None:
        return (last.snapshot_id, last.snapshot) if last is not None else ("", "")
    return row.digest or "", row.text
