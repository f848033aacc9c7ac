"""How long what failed waits before it is tried again: longer each time, and never together."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from policy.model.execution import Uid
from reconciler.converge.ledger import EndReason, Record

# After the n-th failure in a row: 10 s, 20 s, 40 s … at most 5 minutes, less the jitter.
BACKOFF_FIRST_S = 10
BACKOFF_MOST_S = 300


def backoff_until(record: Record, *, jitter: float) -> datetime | None:
    """Return when the next attempt may start; None if it may at once. A new generation may."""
    end = record.last_end
    if end is None or end.reason in _BLAMELESS:
        return None
    tries = max(1, record.failures + record.failed_starts + record.nodes_lost)
    return end.at + timedelta(seconds=backoff_s(tries, jitter=jitter))


_BLAMELESS = frozenset(
    {
        EndReason.SUSPENDED,
        EndReason.REPLACED,
        EndReason.PREEMPTED,
        EndReason.NODE_LOST,
        EndReason.REMOVED,
    }
)


def backoff_s(tries: int, *, jitter: float) -> float:
    """Return how long to wait after the n-th failure in a row: doubling, less up to half."""
    delay_s: float = min(BACKOFF_MOST_S, BACKOFF_FIRST_S * 2 ** min(tries - 1, 10))
    return delay_s * (1 - jitter / 2)


def fraction(uid: Uid) -> float:
    """Return 0 to 1, fixed per uid: jitter that a replay reproduces."""
    return int.from_bytes(hashlib.sha256(uid.encode()).digest()[:4], "big") / 2**32
