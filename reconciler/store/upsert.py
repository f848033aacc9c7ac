"""Insert or update many rows, the same on both databases.

One statement with many parameter sets: a statement with many VALUES takes several times as long
to build, for the same rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, or_
from sqlalchemy.dialects import postgresql, sqlite

Row = Mapping[str, Any]


def upsert(
    connection: Connection,
    table: Table,
    rows: Sequence[Row],
    *,
    incidental: frozenset[str] = frozenset(),
) -> None:
    """Insert ``rows``, or update those whose key is there; rows that are equal aren't touched.

    ``incidental`` columns are written with the others but are no reason to write.
    """
    if not rows:
        return
    statement = _insert(connection, table)
    values = {
        column.name: statement.excluded[column.name]
        for column in table.columns
        if not column.primary_key
    }
    is_changed = or_(
        *(
            table.columns[name].is_distinct_from(value)
            for name, value in values.items()
            if name not in incidental
        )
    )
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=list(table.primary_key), set_=values, where=is_changed
        ),
        rows,
    )


def insert_missing(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert those ``rows`` whose key isn't there yet."""
    if rows:
        connection.execute(_insert(connection, table).on_conflict_do_nothing(), rows)


def _insert(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


def inserted(connection: Connection, table: Table, rows: Sequence[Row]) -> set[tuple[object, ...]]:
    """Insert those ``rows`` whose key isn't there yet; return the keys of those that were."""
    if not rows:
        return set()
    statement = _insert(connection, table).on_conflict_do_nothing()
    keys = connection.execute(statement.returning(*table.primary_key), rows)
    return {tuple(key) for key in keys}
