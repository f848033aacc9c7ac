"""Intervals: what each execution held from one change of its allocation to the next."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    RowMapping,
    case,
    cast,
    delete,
    extract,
    func,
    or_,
    select,
)

from policy.model.execution import Uid
from reconciler.converge.instants import epoch_ms
from reconciler.reporting.records import Interval
from reconciler.store.record_tables import intervals
from reconciler.store.upsert import upsert


def write(connection: Connection, rows: Sequence[Interval]) -> None:
    """Insert or update intervals by run and beginning."""
    upsert(connection, intervals, [_values(row) for row in rows])


def read_open(connection: Connection) -> dict[Uid, Interval]:
    """Return the interval of each run that holds something now."""
    rows = connection.execute(select(intervals).where(intervals.c.until.is_(None))).mappings()
    return {interval.uid: interval for interval in map(_interval, rows)}


def read(
    connection: Connection, *, since: datetime, until: datetime, namespace: str = ""
) -> tuple[Interval, ...]:
    """Return the intervals that share a time with ``since`` to ``until``, in their order."""
    query = select(intervals).where(*_between(since, until))
    if namespace:
        query = query.where(intervals.c.namespace == namespace)
    rows = connection.execute(query.order_by(intervals.c.since, intervals.c.uid)).mappings()
    return tuple(map(_interval, rows))


def used(connection: Connection, *, since: datetime, until: datetime) -> dict[str, int]:
    """Return how much of the CPUs each namespace held between two times, in milli-CPU seconds.

    Summed up by the database: reading everybody's intervals takes far longer.
    """
    begin = case(
        (intervals.c.since < since, epoch_ms(since) // 1000),
        else_=cast(extract("epoch", intervals.c.since), BigInteger),
    )
    end = case(
        (intervals.c.until < until, cast(extract("epoch", intervals.c.until), BigInteger)),
        else_=epoch_ms(until) // 1000,
    )
    held = cast(func.sum(intervals.c.cpu_millis * (end - begin)), BigInteger)
    query = select(intervals.c.namespace, held).where(*_between(since, until))
    rows = connection.execute(query.group_by(intervals.c.namespace))
    return {namespace: max(0, int(amount)) for namespace, amount in rows}


def _between(since: datetime, until: datetime) -> tuple[ColumnElement[bool], ...]:
    is_later = or_(intervals.c.until.is_(None), intervals.c.until > since)
    return is_later, intervals.c.since < until


def forget(connection: Connection, *, before: datetime) -> int:
    """Remove what ended before a time; return how many."""
    return connection.execute(delete(intervals).where(intervals.c.until < before)).rowcount


def _interval(row: RowMapping) -> Interval:
    labels = tuple(sorted(row["labels"].items()))
    generic = tuple(sorted(row["generic"].items()))
    return Interval(**{**row, "uid": Uid(row["uid"]), "labels": labels, "generic": generic})


def _values(row: Interval) -> dict[str, object]:
    values = {column.name: getattr(row, column.name) for column in intervals.columns}
    return {**values, "labels": dict(row.labels), "generic": dict(row.generic)}
