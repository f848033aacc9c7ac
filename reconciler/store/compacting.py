"""Giving room back to the disk, where the database doesn't do that by itself."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import Engine

from reconciler.errors import StoreUnavailable

_PART = 4
"""Of so many pages one must be free for it to be worth while: all others are written anew."""


def compact(engine: Engine) -> int:
    """Return how many bytes a SQLite file is smaller by; 0 for PostgreSQL, which vacuums itself.

    Others wait meanwhile, as for any write. Raises StoreUnavailable, also where others go on
    writing for too long.
    """
    if engine.dialect.name != "sqlite" or not engine.url.database:
        return 0
    path = Path(engine.url.database)
    # Not within a transaction, as all else here is.
    with closing(engine.raw_connection()) as connection, closing(connection.cursor()) as cursor:
        try:
            ((pages,),) = cursor.execute("PRAGMA page_count").fetchall()
            ((free,),) = cursor.execute("PRAGMA freelist_count").fetchall()
            if free * _PART < pages:
                return 0
            before = path.stat().st_size
            cursor.execute("VACUUM")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except sqlite3.Error as error:
            raise StoreUnavailable(f"{path} can't be made smaller now: {error}") from error
    return max(0, before - path.stat().st_size)
