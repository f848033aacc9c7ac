"""Sessions whose client stands still in a transaction: what they have locked, nobody gets.

PostgreSQL ends those that it takes for idle (``idle_in_transaction_session_timeout``). One whose
client stopped between the statements of a batch counts as active, and no time-out ends it; a leader
that is frozen there would keep every other one from leading for as long as it is.
"""

from __future__ import annotations

import logging

from sqlalchemy import Connection, text

log = logging.getLogger(__name__)

STALLED_S = 15
"""As long as the server lets a session be idle in a transaction."""

_END = text(
    "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity"
    " WHERE datname = current_database() AND usename = current_user AND application_name = 'zoe'"
    " AND pid <> pg_backend_pid() AND state = 'active' AND wait_event = 'ClientRead'"
    " AND state_change < clock_timestamp() - make_interval(secs => :after_s)"
)


def end(connection: Connection, *, after_s: float = STALLED_S) -> int:
    """End those of ours that have waited for their client that long; return how many."""
    ended: int = connection.execute(_END, {"after_s": after_s}).scalar_one()
    if ended:
        log.warning("ended sessions of the database that stood still", extra={"sessions": ended})
    return ended
