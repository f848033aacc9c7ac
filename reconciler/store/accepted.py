"""What of Git is in force: each source's accepted commit, each file's newest valid content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, select

from reconciler.store.tables import good_files, sources
from reconciler.store.upsert import upsert
from reconciler.stored import GoodFile


def write_commits(connection: Connection, commits: Mapping[str, str], *, now: datetime) -> None:
    """Set the accepted commit of each source in ``commits``."""
    rows = [
        {"source_id": source, "commit_id": commit, "at": now} for source, commit in commits.items()
    ]
    upsert(connection, sources, rows, incidental=frozenset({"at"}))


def read_commits(connection: Connection) -> dict[str, str]:
    """Return the accepted commit of every source."""
    rows = connection.execute(select(sources.c.source_id, sources.c.commit_id))
    return {row.source_id: row.commit_id for row in rows}


def write_files(connection: Connection, files: Sequence[GoodFile]) -> None:
    """Insert or update ``files``; those with an empty blob are removed."""
    gone = [{"of": file.source_id, "at": file.path} for file in files if not file.blob]
    if gone:
        connection.execute(
            delete(good_files).where(
                good_files.c.source_id == bindparam("of"), good_files.c.path == bindparam("at")
            ),
            gone,
        )
    upsert(connection, good_files, [_row(file) for file in files if file.blob])


def read_files(connection: Connection) -> tuple[GoodFile, ...]:
    """Return every file's newest valid content, by source and path."""
    order = (good_files.c.source_id, good_files.c.path)
    return tuple(
        GoodFile(source_id=row.source_id, path=row.path, blob=row.blob, commit=row.commit_id)
        for row in connection.execute(select(good_files).order_by(*order))
    )


def _row(file: GoodFile) -> dict[str, str]:
    return {
        "source_id": file.source_id,
        "path": file.path,
        "blob": file.blob,
        "commit_id": file.commit,
    }
