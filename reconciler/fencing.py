"""How long a leader may act on its own word.

The database refuses what a stale leader writes; the Swarm and the status branch know of no lease.
So a leader that stood still (a stopped process, a stalled machine) asks itself before each effect
whether its lease can have ended meanwhile, by a clock that goes on while it stands still.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from reconciler.errors import LeaseLost


def since_boot_s() -> float:
    """Return seconds since the machine started, those that it slept included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Fence:
    """Counts a lease's time from before it was asked for. Any thread."""

    def __init__(self, ttl_s: float, *, now: Callable[[], float] = since_boot_s) -> None:
        self._ttl_s = ttl_s
        self._now = now
        self._asked_at = now()

    def renewed(self, asked_at: float) -> None:
        """Take note of a renewal that was asked for at that time of :meth:`now`."""
        self._asked_at = asked_at

    def now(self) -> float:
        """Return the time that :meth:`renewed` is told."""
        return self._now()

    def check(self) -> None:
        """Return if the lease can't have ended. Raises LeaseLost."""
        idle_s = self._now() - self._asked_at
        if idle_s >= self._ttl_s:
            raise LeaseLost(
                f"the lease of {self._ttl_s:g} s was last renewed {idle_s:.1f} s ago: "
                "another process may lead"
            )
