"""What was published: the digest of each status file, and the newest snapshot for pages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, select

from reconciler.store.tables import ONLY_ROW, published, snapshots
from reconciler.store.upsert import upsert


def write_files(connection: Connection, digests: Mapping[str, str | None]) -> None:
    """Set the digest of each published path; None removes the path."""
    gone = [{"at": path} for path, digest in digests.items() if digest is None]
    if gone:
        connection.execute(delete(published).where(published.c.path == bindparam("at")), gone)
    there = [
        {"path": path, "digest": digest} for path, digest in digests.items() if digest is not None
    ]
    upsert(connection, published, there)


def read_files(connection: Connection) -> dict[str, str]:
    """Return the digest of every published path."""
    rows = connection.execute(select(published.c.path, published.c.digest))
    return {row.path: row.digest for row in rows}


def write_snapshot(
    connection: Connection, text: str | None, *, digest: str, now: datetime, version: int
) -> None:
    """Replace the snapshot; None leaves the one that is there."""
    if text is not None:
        row = {"id": ONLY_ROW, "text": text, "digest": digest, "at": now, "version": version}
        upsert(connection, snapshots, [row], incidental=frozenset({"at", "version"}))


def read_snapshot(connection: Connection) -> str | None:
    """Return the newest snapshot, if there ever was one."""
    return connection.scalars(select(snapshots.c.text)).one_or_none()
