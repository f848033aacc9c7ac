"""Commits that an operator confirmed by hand."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from reconciler.store import meta
from reconciler.store.tables import confirmations
from reconciler.store.upsert import insert_missing


def confirm(connection: Connection, commit: str, *, by: str, at: datetime) -> None:
    """Record who confirmed ``commit`` and when; of several confirmations the first counts."""
    meta.bump(connection)
    insert_missing(connection, confirmations, [{"commit_id": commit, "confirmed_by": by, "at": at}])


def read(connection: Connection) -> frozenset[str]:
    """Return the confirmed commits."""
    return frozenset(connection.scalars(select(confirmations.c.commit_id)))
