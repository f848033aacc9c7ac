"""Runtimes of completed runs, from which the next ones are estimated: the newest of each kind."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, select

from policy.estimate import NEWEST
from reconciler.converge.history import Runtime
from reconciler.store.tables import runtimes


def add(connection: Connection, found: Sequence[Runtime]) -> None:
    """Insert samples, and drop what is older than the newest of the same application."""
    if not found:
        return
    rows = [
        {
            "namespace": runtime.namespace,
            "application": runtime.application,
            "ended_at": runtime.ended_at,
            "runtime_ms": runtime.runtime_ms,
        }
        for runtime in found
    ]
    connection.execute(insert(runtimes), rows)
    for namespace, application in sorted({(r.namespace, r.application) for r in found}):
        is_of = (runtimes.c.namespace == namespace) & (runtimes.c.application == application)
        newest = select(runtimes.c.id).where(is_of).order_by(runtimes.c.id.desc()).limit(NEWEST)
        connection.execute(delete(runtimes).where(is_of, runtimes.c.id.not_in(newest)))


def read(connection: Connection) -> tuple[Runtime, ...]:
    """Return all samples, the oldest first."""
    order = select(runtimes).order_by(runtimes.c.id)
    return tuple(
        Runtime(
            namespace=row.namespace,
            application=row.application,
            ended_at=row.ended_at,
            runtime_ms=row.runtime_ms,
        )
        for row in connection.execute(order)
    )
