"""The plans that pull requests were shown: the newest of each, for as long as merges take."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, RowMapping, delete, select

from reconciler.posted import PostedPlan
from reconciler.store.tables import posted_plans
from reconciler.store.upsert import upsert

KEPT = timedelta(days=30)


def write(connection: Connection, plans: Sequence[PostedPlan], *, now: datetime) -> None:
    """Put plans in the place of those of the same subjects; forget what is too old to matter."""
    if plans:
        forget(connection, now=now)
        upsert(connection, posted_plans, [_row(plan) for plan in plans])


def forget(connection: Connection, *, now: datetime) -> int:
    """Remove plans that are too old to matter; return how many."""
    return connection.execute(delete(posted_plans).where(posted_plans.c.at < now - KEPT)).rowcount


def read(connection: Connection, source_id: str) -> tuple[PostedPlan, ...]:
    """Return the plans of a source, by subject."""
    mine = select(posted_plans).where(posted_plans.c.source_id == source_id)
    found = connection.execute(mine.order_by(posted_plans.c.subject)).mappings()
    return tuple(map(_plan, found))


def newest(connection: Connection, *, limit: int) -> tuple[PostedPlan, ...]:
    """Return the plans that were posted last, the newest first."""
    query = select(posted_plans).order_by(posted_plans.c.at.desc(), posted_plans.c.subject)
    return tuple(map(_plan, connection.execute(query.limit(limit)).mappings()))


def find(connection: Connection, subject: str) -> PostedPlan | None:
    """Return the newest plan of a subject."""
    query = select(posted_plans).where(posted_plans.c.subject == subject)
    newest_first = query.order_by(posted_plans.c.at.desc()).limit(1)
    row = connection.execute(newest_first).mappings().one_or_none()
    return None if row is None else _plan(row)


def _plan(row: RowMapping) -> PostedPlan:
    return PostedPlan(**{**row, "differences": tuple(row["differences"])})


def _row(plan: PostedPlan) -> dict[str, object]:
    row = {column.name: getattr(plan, column.name) for column in posted_plans.columns}
    return {**row, "differences": list(plan.differences)}
