"""What operators asked to be held or released: of each name the newest request."""

from __future__ import annotations

from sqlalchemy import Connection, select

from reconciler.converge.world import HoldRequest
from reconciler.store import meta
from reconciler.store.tables import hold_requests
from reconciler.store.upsert import upsert


def ask(connection: Connection, asked: HoldRequest) -> None:
    """Put a request down in the place of an earlier one for the same name."""
    meta.bump(connection)
    row = {
        "namespace": asked.namespace,
        "name": asked.name,
        "is_release": asked.is_release,
        "asked_by": asked.by,
        "told": asked.told,
        "at": asked.at,
    }
    upsert(connection, hold_requests, [row])


def read(connection: Connection) -> tuple[HoldRequest, ...]:
    """Return the newest request of each name, by namespace and name."""
    order = (hold_requests.c.namespace, hold_requests.c.name)
    return tuple(
        HoldRequest(
            namespace=row.namespace,
            name=row.name,
            is_release=row.is_release,
            by=row.asked_by,
            told=row.told,
            at=row.at,
        )
        for row in connection.execute(select(hold_requests).order_by(*order))
    )
