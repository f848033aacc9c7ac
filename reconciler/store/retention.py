"""How long what nobody decides on is kept."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection

from reconciler.converge.forgetting import KNOWN
from reconciler.store import (
    commits,
    deliveries,
    history,
    intervals,
    ledger,
    outbox,
    posted,
    pulses,
    reviews,
    tails,
)

ACCOUNTS = timedelta(days=400)
"""Long enough for what a whole year used."""
TAILS = timedelta(minutes=10)


def forget(connection: Connection, *, now: datetime) -> Mapping[str, int]:
    """Remove what is older; return how much of each kind went."""
    past = now - KNOWN
    events, harvests = history.forget(connection, before=past)
    return {
        "deliveries": deliveries.forget(connection, now=now),
        "reviews": reviews.forget(connection, now=now),
        "plans": posted.forget(connection, now=now),
        "letters": outbox.forget(connection, now=now),
        "events": events,
        "results": harvests,
        "passes": pulses.forget(connection, before=past),
        "commits": commits.forget(connection, before=past),
        "facts": ledger.forget_untold(connection, before=past),
        "accounts": intervals.forget(connection, before=now - ACCOUNTS),
        "logs": tails.forget(connection, before=now - TAILS),
    }


def would_forget(connection: Connection, *, now: datetime) -> Mapping[str, int]:
    """Return how much of each kind would go: it is removed, and that is taken back."""
    with connection.begin_nested() as tried:
        found = forget(connection, now=now)
        tried.rollback()
    return found
