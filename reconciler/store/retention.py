"""How long what nobody decides on is kept."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection

from reconciler.store import commits, deliveries, history, intervals, pulses, reviews, tails

HISTORY = timedelta(days=90)
ACCOUNTS = timedelta(days=400)
"""Long enough for what a whole year used."""
TAILS = timedelta(minutes=10)


def forget(connection: Connection, *, now: datetime) -> None:
    """Remove what is older."""
    deliveries.forget(connection, now=now)
    reviews.forget(connection, now=now)
    history.forget(connection, before=now - HISTORY)
    pulses.forget(connection, before=now - HISTORY)
    commits.forget(connection, before=now - HISTORY)
    intervals.forget(connection, before=now - ACCOUNTS)
    tails.forget(connection, before=now - TAILS)
