"""What happened: events for people, and what was left of tasks when they ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, RowMapping, delete, insert, select

from policy.model.execution import Uid
from reconciler.reporting.records import Event, Harvest
from reconciler.store.record_tables import events, harvests, shown_logs
from reconciler.store.tables import executions
from reconciler.store.upsert import insert_missing


def append_events(connection: Connection, told: Sequence[Event]) -> None:
    """Append events; the database numbers them."""
    if told:
        connection.execute(insert(events), [_event_row(event) for event in told])


def read_events(
    connection: Connection, *, uid: str, namespace: str, name: str, limit: int
) -> tuple[Event, ...]:
    """Return the newest ``limit`` events that match every filter that isn't empty, newest last."""
    query = select(events).order_by(events.c.id.desc()).limit(limit)
    filters = {events.c.uid: uid, events.c.namespace: namespace, events.c.name: name}
    for column, value in filters.items():
        if value:
            query = query.where(column == value)
    newest_first = connection.execute(query).mappings().all()
    return tuple(map(_event, reversed(newest_first)))


def page_of_events(
    connection: Connection, *, namespace: str, name: str, before: int, after: int, limit: int
) -> tuple[Event, ...]:
    """Return the newest events before a number, newest first; or those after one, oldest first.

    ``before`` 0 is no bound; empty filters match all.
    """
    query = select(events).limit(limit)
    if after:
        query = query.where(events.c.id > after).order_by(events.c.id)
    else:
        query = query.order_by(events.c.id.desc())
    if before:
        query = query.where(events.c.id < before)
    for column, value in {events.c.namespace: namespace, events.c.name: name}.items():
        if value:
            query = query.where(column == value)
    return tuple(map(_event, connection.execute(query).mappings()))


def write_harvests(connection: Connection, found: Sequence[Harvest]) -> None:
    """Insert harvests; one of the same group and attempt stays: it was read when more was there."""
    insert_missing(connection, harvests, [_harvest_row(harvest) for harvest in found])


def read_harvests(connection: Connection, uid: str) -> tuple[Harvest, ...]:
    """Return the harvests of a run, oldest first."""
    order = (harvests.c.at, harvests.c.attempt, harvests.c.component, harvests.c.node)
    query = select(harvests).where(harvests.c.uid == uid).order_by(*order)
    rows = connection.execute(query).mappings()
    return tuple(Harvest(**{**row, "uid": Uid(row["uid"])}) for row in rows)


def shown_harvests(connection: Connection, uid: str) -> tuple[Harvest, ...]:
    """Return the harvests of a run, oldest first; their logs only where pages may show them."""
    columns = [column for column in harvests.c if column.name != "log_tail"]
    order = (harvests.c.at, harvests.c.attempt, harvests.c.component, harvests.c.node)
    query = select(*columns).where(harvests.c.uid == uid).order_by(*order)
    logs = {
        (row.attempt, row.component, row.node): row.log_tail
        for row in connection.execute(select(shown_logs).where(shown_logs.c.uid == uid))
    }
    return tuple(
        Harvest(
            **{**row, "uid": Uid(row["uid"])},
            log_tail=logs.get((row["attempt"], row["component"], row["node"]), ""),
        )
        for row in connection.execute(query).mappings()
    )


def forget(connection: Connection, *, before: datetime) -> tuple[int, int]:
    """Remove events from before a time, and harvests of runs that are no longer told of.

    A run that is told of keeps its harvests however old: they say why it ended. Returns how many
    events and harvests went.
    """
    told_of = select(executions.c.uid).where(executions.c.uid == harvests.c.uid)
    old = delete(harvests).where(harvests.c.at < before, ~told_of.exists())
    gone = connection.execute(delete(events).where(events.c.at < before)).rowcount
    return gone, connection.execute(old).rowcount


def _event(row: RowMapping) -> Event:
    known = {**row}
    commit = known.pop("commit_id")
    return Event(**known, commit=commit)


def _event_row(event: Event) -> dict[str, object]:
    return {
        "at": event.at,
        "uid": event.uid,
        "namespace": event.namespace,
        "name": event.name,
        "reason": event.reason,
        "message": event.message,
        "commit_id": event.commit,
        "is_warning": event.is_warning,
    }


def _harvest_row(harvest: Harvest) -> dict[str, object]:
    return {
        "uid": harvest.uid,
        "attempt": harvest.attempt,
        "component": harvest.component,
        "node": harvest.node,
        "exit_code": harvest.exit_code,
        "error": harvest.error,
        "log_tail": harvest.log_tail,
        "at": harvest.at,
    }
