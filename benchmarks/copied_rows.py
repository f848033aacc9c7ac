"""A large installation out of a small one: rows copied under other names, in seconds.

The copies are written straight into the tables that pages read: executions, facts, events, what was
held, and the snapshot. The loop that made the originals has its own in memory, so it goes on with
these and never looks at the copies.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def multiply(database: Path, times: int, *, namespaces: int, executions: int) -> None:
    """Make ``times`` as many of everything in a SQLite database, at its next version.

    The originals are e0 to e(``executions`` - 1) in ns0 to ns(``namespaces`` - 1); the copies are
    numbered on.
    """

    def copied(row: Row, copy: int) -> Row:
        numbers = {"ns": namespaces, "e": executions}
        renamed = {
            prefix: f"{prefix}{int(row[key].removeprefix(prefix)) + copy * count}"
            for (prefix, count), key in zip(numbers.items(), ("namespace", "name"), strict=True)
        }
        uid = f"{copy:04x}{row['uid'][4:]}"
        return {**row, "uid": uid, "namespace": renamed["ns"], "name": renamed["e"]}

    def with_status(row: Row, copy: int) -> Row:
        row = copied(row, copy)
        status = json.loads(row["status"])
        status["metadata"] |= {key: row[key] for key in ("uid", "namespace", "name")}
        if "source" in status:
            status["source"]["path"] = f"executions/{row['namespace']}/{row['name']}.yaml"
        return {**row, "status": json.dumps(status)}

    with closing(sqlite3.connect(database)) as connection, connection:
        whose = {
            row["uid"]: row
            for row in _rows(connection, "SELECT uid, namespace, name FROM executions")
        }
        copies = range(1, times)
        _copy(connection, "executions", with_status, copies)
        _copy(connection, "intervals", copied, copies)
        _copy(connection, "events", copied, copies, counter="id")
        _copy(connection, "ledger", _renamed_uid, copies, counter="seq")
        _copy_snapshot(connection, copied, copies, whose)
        connection.execute("UPDATE meta SET state_version = state_version + 1")


def _rows(connection: sqlite3.Connection, query: str) -> list[Row]:
    cursor = connection.execute(query)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def _copy(
    connection: sqlite3.Connection,
    table: str,
    copied: Callable[[Row, int], Row],
    copies: range,
    *,
    counter: str = "",
) -> None:
    """Add the copies of a table's rows; ``counter`` is a column that numbers them by itself."""
    originals = _rows(connection, f"SELECT * FROM {table}")
    names = [name for name in originals[0] if name != counter]
    marks = ", ".join("?" * len(names))
    columns = ", ".join(f'"{name}"' for name in names)

    def values() -> Iterator[list[Any]]:
        for copy in copies:
            for row in originals:
                made = copied(row, copy)
                yield [made[name] for name in names]

    connection.executemany(
        f"INSERT INTO {table} ({columns}) VALUES ({marks})",
        values(),
    )


def _renamed_uid(row: Row, copy: int) -> Row:
    return {**row, "uid": f"{copy:04x}{row['uid'][4:]}"}


def _copy_snapshot(
    connection: sqlite3.Connection,
    copied: Callable[[Row, int], Row],
    copies: range,
    whose: Mapping[str, Row],
) -> None:
    (told,) = connection.execute("SELECT text FROM snapshots").fetchone()
    document = json.loads(told)
    originals = [one for one in document["executions"] if one["uid"] in whose]
    document["executions"] += [copied(one, copy) for copy in copies for one in originals]
    document["id"] = f"{len(document['executions']):016x}"
    connection.execute(
        "UPDATE snapshots SET text = ?, digest = ?", (json.dumps(document), document["id"])
    )
