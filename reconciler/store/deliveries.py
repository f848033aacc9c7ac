"""Deliveries of forges by their id, so that one that comes twice counts once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, exists, select

from reconciler.inbox import Delivery
from reconciler.store.tables import deliveries
from reconciler.store.upsert import inserted

KEPT = timedelta(days=7)
"""How long forges may repeat a delivery, and how long anybody may wait for a review."""


def add(connection: Connection, new: Sequence[Delivery]) -> tuple[bool, ...]:
    """Store those that aren't there; tell for each, in order, whether it was new."""
    rows = {(delivery.source_id, delivery.delivery_id): _row(delivery) for delivery in new}
    fresh = inserted(connection, deliveries, list(rows.values()))
    first: list[bool] = []
    for delivery in new:
        key = (delivery.source_id, delivery.delivery_id)
        first.append(key in fresh)
        fresh.discard(key)
    return tuple(first)


def forget(connection: Connection, *, now: datetime) -> int:
    """Remove what is older than forges repeat anything; return how many."""
    old = delete(deliveries).where(deliveries.c.received_at < now - KEPT)
    return connection.execute(old).rowcount


def check(connection: Connection) -> None:
    """Read something; fails where the table isn't there or isn't ours to read."""
    connection.scalar(select(exists().select_from(deliveries)))


def _row(delivery: Delivery) -> dict[str, object]:
    return {
        "source_id": delivery.source_id,
        "delivery_id": delivery.delivery_id,
        "provider": delivery.provider,
        "kind": delivery.kind,
        "outcome": str(delivery.outcome),
        "received_at": delivery.received_at,
    }
