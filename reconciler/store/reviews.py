"""Pull requests to be reviewed. Of several requests for one, the newest is left."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, select

from reconciler.inbox import ReviewRequest
from reconciler.store.deliveries import KEPT
from reconciler.store.tables import review_requests
from reconciler.store.upsert import upsert


def request(connection: Connection, requests: Sequence[ReviewRequest]) -> None:
    """Put requests down, in the order in which they came."""
    rows = {(asked.source_id, asked.subject): _row(asked) for asked in requests}
    upsert(connection, review_requests, list(rows.values()))


def waiting(connection: Connection) -> tuple[ReviewRequest, ...]:
    """Return the requests, oldest first."""
    columns = [column for column in review_requests.c if column.name != "subject"]
    found = connection.execute(select(*columns)).mappings()
    asked = [ReviewRequest(**row) for row in found]
    return tuple(sorted(asked, key=lambda one: (one.requested_at, one.subject)))


def done(connection: Connection, requests: Sequence[ReviewRequest]) -> None:
    """Remove requests, unless something newer was asked for meanwhile."""
    table = review_requests
    for asked in requests:
        connection.execute(
            delete(table).where(
                table.c.source_id == asked.source_id,
                table.c.subject == asked.subject,
                table.c.requested_at <= asked.requested_at,
            )
        )


def forget(connection: Connection, *, now: datetime) -> int:
    """Remove what nobody waits for any more; return how many."""
    old = delete(review_requests).where(review_requests.c.requested_at < now - KEPT)
    return connection.execute(old).rowcount


def _row(asked: ReviewRequest) -> dict[str, object]:
    return {
        "source_id": asked.source_id,
        "subject": asked.subject,
        "kind": asked.kind,
        "pull": asked.pull,
        "head": asked.head,
        "action": asked.action,
        "branch": asked.branch,
        "is_fork": asked.is_fork,
        "requested_at": asked.requested_at,
    }
