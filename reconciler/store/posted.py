"""The plans that pull requests were shown: the newest of each, for as long as merges take."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select

from reconciler.posted import PostedPlan
from reconciler.store.tables import posted_plans
from reconciler.store.upsert import upsert

KEPT = timedelta(days=30)


def write(connection: Connection, plans: Sequence[PostedPlan], *, now: datetime) -> None:
    """Put plans in the place of those of the same subjects; forget what is too old to matter."""
    if not plans:
        return
    connection.execute(delete(posted_plans).where(posted_plans.c.at < now - KEPT))
    upsert(connection, posted_plans, [_row(plan) for plan in plans])


def read(connection: Connection, source_id: str) -> tuple[PostedPlan, ...]:
    """Return the plans of a source, by subject."""
    mine = select(posted_plans).where(posted_plans.c.source_id == source_id)
    found = connection.execute(mine.order_by(posted_plans.c.subject)).mappings()
    return tuple(
        PostedPlan(
            **{
                **row,
                "differences": tuple(row["differences"]),
            }
        )
        for row in found
    )


def _row(plan: PostedPlan) -> dict[str, object]:
    row = {column.name: getattr(plan, column.name) for column in posted_plans.columns}
    return {**row, "differences": list(plan.differences)}
