"""Intervals: what each execution held from one change of its allocation to the next."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, RowMapping, delete, or_, select

from policy.model.execution import Uid
from reconciler.records import Interval
from reconciler.store.record_tables import intervals
from reconciler.store.upsert import upsert


def write(connection: Connection, rows: Sequence[Interval]) -> None:
    """Insert or update intervals by run and beginning."""
    upsert(connection, intervals, [_values(row) for row in rows])


def read_open(connection: Connection) -> dict[Uid, Interval]:
    """Return the interval of each run that holds something now."""
    rows = connection.execute(select(intervals).where(intervals.c.until.is_(None))).mappings()
    return {interval.uid: interval for interval in map(_interval, rows)}


def read(connection: Connection, *, since: datetime, until: datetime) -> tuple[Interval, ...]:
    """Return the intervals that share a time with ``since`` to ``until``, in their order."""
    is_later = or_(intervals.c.until.is_(None), intervals.c.until > since)
    query = select(intervals).where(is_later, intervals.c.since < until)
    rows = connection.execute(query.order_by(intervals.c.since, intervals.c.uid)).mappings()
    return tuple(map(_interval, rows))


def forget(connection: Connection, *, before: datetime) -> None:
    """Remove what ended before a time."""
    connection.execute(delete(intervals).where(intervals.c.until < before))


def _interval(row: RowMapping) -> Interval:
    labels = tuple(sorted(row["labels"].items()))
    generic = tuple(sorted(row["generic"].items()))
    return Interval(**{**row, "uid": Uid(row["uid"]), "labels": labels, "generic": generic})


def _values(row: Interval) -> dict[str, object]:
    values = {column.name: getattr(row, column.name) for column in intervals.columns}
    return {**values, "labels": dict(row.labels), "generic": dict(row.generic)}
