"""The ledger's rows: appended and read, never changed (triggers of the database see to that).

They go with runs that aren't told of any more, when their time is over.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from operator import attrgetter
from sys import intern
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, delete, func, insert, select

from policy.model.execution import Uid
from reconciler.converge.ledger import Entry, Fact
from reconciler.store.tables import executions, ledger

_UIDS_PER_QUERY = 1_000


def append(connection: Connection, facts: Sequence[Entry], *, epoch: int) -> tuple[Entry, ...]:
    """Append ``facts`` in their order; return them numbered, with the epoch that wrote them.

    A fact that brings its epoch (one read back from the status branch) keeps it.
    """
    if not facts:
        return ()
    numbered = tuple(
        replace(fact, epoch=fact.epoch or epoch, seq=seq)
        for fact, seq in zip(facts, _numbers(connection, len(facts)), strict=True)
    )
    connection.execute(insert(ledger), [{"seq": fact.seq, **row(fact)} for fact in numbered])
    return numbered


def _numbers(connection: Connection, count: int) -> Iterable[int]:
    """Return the next numbers, rising; only who has the lease asks, one at a time.

    Asked for first, since an INSERT that returns them takes several times as long: all its rows
    are one statement, which the driver reads through.
    """
    if connection.dialect.name != "postgresql":
        last = connection.scalar(select(func.max(ledger.c.seq))) or 0
        return range(last + 1, last + 1 + count)
    sequence = func.pg_get_serial_sequence(ledger.name, ledger.c.seq.name)
    next_one = select(func.nextval(sequence)).select_from(func.generate_series(1, count))
    return sorted(connection.scalars(next_one))


def forget(connection: Connection, uids: Sequence[Uid]) -> None:
    """Delete the facts of runs whose rows are gone; the database refuses for any other."""
    if uids:
        gone = delete(ledger).where(ledger.c.uid == bindparam("gone"))
        connection.execute(gone, [{"gone": uid} for uid in uids])


def forget_untold(connection: Connection, *, before: datetime) -> int:
    """Delete old facts of runs that aren't told of any more; return how many.

    The newest fact of all stays: it tells how much this database knows.
    """
    told = select(executions.c.uid).where(executions.c.uid == ledger.c.uid)
    newest = select(func.max(ledger.c.seq)).scalar_subquery()
    is_past = (ledger.c.at < before) & (ledger.c.seq < newest) & (ledger.c.uid != "")
    return connection.execute(delete(ledger).where(is_past, ~told.exists())).rowcount


def entries(connection: Connection) -> tuple[Entry, ...]:
    """Return the whole ledger in the order of its numbers."""
    return _entries(connection, select(ledger))


def entries_of_runs(connection: Connection, uids: Sequence[Uid]) -> tuple[Entry, ...]:
    """Return the facts of some runs."""
    found: list[Entry] = []
    for start in range(0, len(uids), _UIDS_PER_QUERY):
        chunk = uids[start : start + _UIDS_PER_QUERY]
        found += _entries(connection, select(ledger).where(ledger.c.uid.in_(chunk)))
    return tuple(sorted(found, key=attrgetter("seq")))


def entries_of_commit(connection: Connection, commit: str, limit: int) -> tuple[Entry, ...]:
    """Return the first ``limit`` facts that a commit brought about."""
    return _entries(connection, select(ledger).where(ledger.c.commit_id == commit).limit(limit))


def entries_since(
    connection: Connection, since: datetime, facts: Collection[Fact]
) -> tuple[Entry, ...]:
    """Return the facts of some kinds since a time."""
    kinds = [fact.value for fact in facts]
    return _entries(
        connection, select(ledger).where(ledger.c.at >= since, ledger.c.fact.in_(kinds))
    )


def _entries(connection: Connection, query: Select[Any]) -> tuple[Entry, ...]:
    rows = connection.execute(query.order_by(ledger.c.seq))
    # All facts of a pass have one time, and each row brings its own copy of it.
    times: dict[datetime, datetime] = {}
    return tuple(_entry(row, times.setdefault(row.at, row.at)) for row in rows)


def _entry(row: Row[Any], at: datetime) -> Entry:
    return Entry(
        seq=row.seq,
        uid=Uid(row.uid),
        run=row.run,
        generation=row.generation,
        attempt=row.attempt,
        fact=Fact(row.fact),
        spec_hash=row.spec_hash,
        code=row.code,
        reason=intern(row.reason),
        node=row.node,
        at=at,
        epoch=row.epoch,
        commit=row.commit_id or "",
        by=row.said_by or "",
        told=row.told or "",
    )


def row(fact: Entry) -> dict[str, object]:
    """Return a fact as a row of the table, without its number."""
    return {
        "uid": fact.uid,
        "run": fact.run,
        "generation": fact.generation,
        "attempt": fact.attempt,
        "fact": fact.fact.value,
        "spec_hash": fact.spec_hash,
        "code": fact.code,
        "reason": fact.reason,
        "node": fact.node,
        "at": fact.at,
        "epoch": fact.epoch,
        "commit_id": fact.commit or None,
        "said_by": fact.by or None,
        "told": fact.told or None,
    }
