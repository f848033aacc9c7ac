"""10,000 status rows upserted, beside the same rows through the driver alone.

All new, all changed, all as they are already, and one changed of them; what ``zoe`` does is the
store's whole transaction (lease, version, rows). The floor is a bare ``executemany`` of the same
upsert. SQLite, or PostgreSQL with ``--database URL`` (the database is emptied of executions).
"""

from __future__ import annotations

import json
import random
import sqlite3
import tempfile
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

from benchmarks.report import Row, arguments, show
from policy.model.execution import Uid
from reconciler.clock import SystemClock
from reconciler.store.repository import SqlStore
from reconciler.stored import Changes, ExecutionRow

BUDGET_MS = 1_000
_AT = datetime(2026, 1, 1, tzinfo=UTC)
_COLUMNS = (
    "uid",
    "namespace",
    "name",
    "run",
    "source_id",
    "phase",
    "reason",
    "status",
    "is_final",
    "updated_at",
    "version",
)


def rows(count: int, reason: str) -> list[ExecutionRow]:
    """Return rows with status documents of an ordinary size."""
    return [row(number, reason) for number in range(count)]


def row(number: int, reason: str) -> ExecutionRow:
    """Return the row of a queued batch."""
    condition = {
        "status": "True",
        "reason": reason,
        "message": "e1 is first in the queue and waits for room",
        "lastTransitionTime": "2026-01-01T00:00:00+00:00",
    }
    kinds = ("Ready", "Validated", "Admitted", "StatusPublished", "Reconciling")
    told = {
        "apiVersion": "zoe.status/v1",
        "kind": "ExecutionStatus",
        "metadata": {"namespace": f"ns{number % 100}", "name": f"e{number}", "run": 1},
        "status": {
            "phase": "Queued",
            "reason": reason,
            "position": number,
            "components": [{"name": "main", "core": 1, "granted": 0, "image": "busybox"}],
            "conditions": [{"type": kind, **condition} for kind in kinds],
        },
    }
    return ExecutionRow(
        uid=Uid(f"{number:016x}"),
        namespace=f"ns{number % 100}",
        name=f"e{number}",
        run=1,
        source_id="platform",
        phase="Queued",
        reason=reason,
        status=told,
        updated_at=_AT,
    )


def floor(url: str, folder: Path) -> tuple[Callable[[Sequence[ExecutionRow]], None], Any]:
    """Return what upserts rows through the driver alone, and its connection to be closed."""
    marks, updates = "?", ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS[1:])
    connection: Any
    if url:
        import psycopg

        connection, marks = psycopg.connect(url.replace("+psycopg", "")), "%s"
    else:
        connection = sqlite3.connect(folder / "zoe.db")
        connection.execute("PRAGMA journal_mode = WAL")
    statement = (
        f"INSERT INTO executions ({', '.join(_COLUMNS)}) "
        f"VALUES ({', '.join([marks] * len(_COLUMNS))}) ON CONFLICT (uid) DO UPDATE SET {updates}"
    )

    def write(given: Sequence[ExecutionRow]) -> None:
        connection.cursor().executemany(statement, [_values(one, bool(url)) for one in given])
        connection.commit()

    return write, connection


def _values(one: ExecutionRow, is_postgres: bool) -> tuple[Any, ...]:
    at: Any = one.updated_at if is_postgres else "2026-01-01 00:00:00.000000"
    told = (one.phase, one.reason, json.dumps(one.status), one.is_final)
    return (one.uid, one.namespace, one.name, one.run, one.source_id, *told, at, 1)


def measure(count: int, rounds: int, url: str) -> list[Row]:
    """Return the rows of the table: each case beside its floor, in turns."""
    cases: dict[str, Callable[[int], list[ExecutionRow]]] = {
        f"{count} rows, all new": lambda _: rows(count, "New"),
        f"{count} rows, all changed": lambda turn: rows(count, f"Turn{turn}"),
        f"{count} rows, none changed": lambda _: last[0],
        f"1 of {count} rows changed": lambda turn: [replace(row(count // 2, f"Only{turn}"))],
    }
    last = [rows(count, "New")]
    found = []
    with tempfile.TemporaryDirectory(prefix="zoe-bench-") as name:
        folder = Path(name)
        store = SqlStore(
            url or f"sqlite:///{folder}/zoe.db",
            deployment="zoe",
            clock=SystemClock(),
            random=random.Random(1),
        )
        with store:
            store.migrate()
            lease = store.acquire_lease("bench", ttl_s=36_000)
            if lease is None:
                raise RuntimeError("another process leads on this database")
            bare, connection = floor(url, folder)
            with closing(connection):
                for title, made in cases.items():
                    ours: list[float] = []
                    cpu: list[float] = []
                    theirs: list[float] = []
                    for turn in range(rounds):
                        given = made(turn)
                        for write, taken in (
                            (lambda r: store.commit(Changes(executions=tuple(r)), lease), ours),
                            (bare, theirs),
                        ):
                            if title.endswith("all new"):
                                connection.cursor().execute("DELETE FROM executions")
                                connection.commit()
                            elif title.endswith("all changed"):
                                given = [replace(one, reason=f"{one.reason}x") for one in given]
                            begun, worked = perf_counter(), process_time()
                            write(given)
                            taken.append((perf_counter() - begun) * 1000)
                            if taken is ours:
                                cpu.append((process_time() - worked) * 1000)
                        last[0] = given
                    found.append(
                        Row(
                            name=title,
                            rounds_ms=tuple(ours),
                            budget_ms=BUDGET_MS if count == 10_000 else None,
                            ratio=median(ours) / median(theirs),
                            note=f"{median(cpu):.0f} ms of processor time; "
                            f"bare {median(theirs):.1f} ms",
                        )
                    )
    return found


def main() -> None:
    parser = arguments(__doc__, rounds=5)
    parser.add_argument("--executions", type=int, default=10_000)
    parser.add_argument("--database", metavar="URL", default="", help="Default: SQLite.")
    given = parser.parse_args()
    show(measure(given.executions, given.rounds, given.database), output=given.output)


if __name__ == "__main__":
    main()
