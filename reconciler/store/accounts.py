"""Accounts: what executions had done and namespaces had used when an allocation last changed."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, bindparam, delete, select

from policy.model.execution import Uid
from policy.model.tenant import Amounts, Usage
from reconciler.converge.accounting import Progress, Use
from reconciler.store.tables import progress, usage
from reconciler.store.upsert import upsert


def write_progress(connection: Connection, wanted: Mapping[Uid, Progress | None]) -> None:
    """Insert, update or (None) remove rows."""
    rows = [
        {
            "uid": uid,
            "work": account.work,
            "as_of_ms": account.as_of_ms,
            "rate": account.rate,
            "grown_ms": account.grown_ms,
            "shrunk_ms": account.shrunk_ms,
        }
        for uid, account in wanted.items()
        if account is not None
    ]
    upsert(connection, progress, rows)
    gone = [{"gone_uid": uid} for uid, account in wanted.items() if account is None]
    if gone:
        connection.execute(delete(progress).where(progress.c.uid == bindparam("gone_uid")), gone)


def read_progress(connection: Connection) -> dict[Uid, Progress]:
    """Return the progress of every execution that has a row."""
    return {
        Uid(row["uid"]): Progress(**{name: value for name, value in row.items() if name != "uid"})
        for row in connection.execute(select(progress)).mappings()
    }


def write_usage(connection: Connection, wanted: Mapping[str, Use]) -> None:
    """Insert or update the use of namespaces."""
    rows = [
        {
            "namespace": namespace,
            "as_of_ms": use.usage.as_of_ms,
            "amounts": dict(use.usage.amounts),
            "held": dict(use.held),
        }
        for namespace, use in wanted.items()
    ]
    upsert(connection, usage, rows)


def read_usage(connection: Connection) -> dict[str, Use]:
    """Return the use of every namespace that has a row."""
    return {
        row.namespace: Use(
            usage=Usage(as_of_ms=row.as_of_ms, amounts=_sorted(row.amounts)),
            held=_sorted(row.held),
        )
        for row in connection.execute(select(usage))
    }


def _sorted(amounts: Mapping[str, int]) -> Amounts:
    return tuple(sorted(amounts.items()))
