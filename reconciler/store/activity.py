"""What was learned of who is used: one row for each run that is asked. No new version."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, delete, select

from policy.model.execution import Uid
from reconciler.converge.idleness import Activity
from reconciler.store.tables import activities
from reconciler.store.upsert import upsert


def read(connection: Connection) -> tuple[Activity, ...]:
    """Return what is known, by uid."""
    rows = connection.execute(select(activities).order_by(activities.c.uid)).mappings()
    return tuple(Activity(**{**row, "uid": Uid(row["uid"])}) for row in rows)


def write(connection: Connection, known: Sequence[Activity], *, gone: Collection[Uid]) -> None:
    """Insert or replace rows by run, and remove those of ``gone``."""
    upsert(
        connection,
        activities,
        [
            {
                "uid": activity.uid,
                "attempt": activity.attempt,
                "idle_since": activity.idle_since,
                "answered_at": activity.answered_at,
                "unknown_since": activity.unknown_since,
                "why": activity.why,
            }
            for activity in known
        ],
    )
    for uid in gone:
        connection.execute(delete(activities).where(activities.c.uid == uid))
