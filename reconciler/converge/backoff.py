"""How long what failed waits before it is tried again: longer each time, and not all together.

Nothing is left to chance: the jitter is a matter of the uid, so that a replay waits as long.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from reconciler.converge.instants import is_within
from reconciler.converge.ledger import EndReason, Record

# After the n-th failure in a row: 10 s, 20 s, 40 s … at most 5 minutes, less the jitter.
FIRST_MS = 10_000
MOST_MS = 300_000

_BLAMELESS = frozenset(
    {
        EndReason.SUSPENDED,
        EndReason.REPLACED,
        EndReason.PREEMPTED,
        EndReason.NODE_LOST,
        EndReason.REMOVED,
    }
)


def backoff_until(record: Record, now: datetime) -> datetime | None:
    """Return when the next attempt may start; None if it may at once. A new generation may."""
    end = record.last_end
    if end is None or end.reason in _BLAMELESS:
        return None
    delay = backoff(max(1, record.failures + record.failed_starts + record.nodes_lost), record.uid)
    return end.at + delay if is_within(delay, end.at, now) else None


def backoff(tries: int, whose: str) -> timedelta:
    """Return how long to wait after the n-th failure in a row: doubling, less up to half."""
    delay_ms = min(MOST_MS, FIRST_MS * 2 ** min(tries - 1, 10))
    return timedelta(milliseconds=delay_ms - delay_ms * _share(whose) // 2**33)


def _share(whose: str) -> int:
    """Return 0 to 2**32 - 1, evenly spread over uids."""
    return int.from_bytes(hashlib.sha256(whose.encode()).digest()[:4], "big")
