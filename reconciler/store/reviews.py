"""Pull requests to be reviewed. Of several requests for one, the newest is left."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete

from reconciler.inbox import ReviewRequest
from reconciler.store.deliveries import KEPT
from reconciler.store.tables import review_requests
from reconciler.store.upsert import upsert


def request(connection: Connection, requests: Sequence[ReviewRequest]) -> None:
    """Put requests down, in the order in which they came."""
    rows = {(asked.source_id, asked.subject): _row(asked) for asked in requests}
    upsert(connection, review_requests, list(rows.values()))


def take(connection: Connection) -> tuple[ReviewRequest, ...]:
    """Remove and return the requests, oldest first."""
    table = review_requests
    columns = [column for column in table.c if column.name != "subject"]
    found = connection.execute(delete(table).returning(*columns)).mappings()
    taken = [ReviewRequest(**row) for row in found]
    return tuple(sorted(taken, key=lambda asked: (asked.requested_at, asked.subject)))


def forget(connection: Connection, *, now: datetime) -> None:
    """Remove what nobody waits for any more."""
    connection.execute(delete(review_requests).where(review_requests.c.requested_at < now - KEPT))


def _row(asked: ReviewRequest) -> dict[str, object]:
    return {
        "source_id": asked.source_id,
        "subject": asked.subject,
        "kind": asked.kind,
        "pull": asked.pull,
        "head": asked.head,
        "action": asked.action,
        "requested_at": asked.requested_at,
    }
