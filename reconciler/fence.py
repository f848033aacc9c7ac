"""Before each effect on the world: do we lead still? Who was stopped for a while finds out here.

The database refuses what a stale leader writes, but the Swarm knows no epochs. A leader that was
stopped in the middle of its actions must not go on with them after another one has taken over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from reconciler.clock import elapsed_s
from reconciler.ports import Lease, Store

SHORTEST_CALL_S = 2.5
"""A busy engine may take as long for one call, however short the lease is."""


def call_s(ttl_s: float) -> float:
    """Return how long a call may take while a lease lasts ``ttl_s``: what is left of it then."""
    return max(SHORTEST_CALL_S, ttl_s / 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """Asks the database once less than half of the lease is left, by a clock that never jumps.

    So a call that takes less than half of ``ttl_s`` ends while nobody else can lead. A lease that
    has run out and that nobody took is ours again. A process that is stopped between this look
    and its call can't be held back by anybody: names and versions make that call harmless.
    """

    store: Store
    ttl_s: float
    elapsed_s: Callable[[], float] = elapsed_s

    def passed(self, lease: Lease) -> Lease:
        """Return the lease, renewed if it was time.

        Raises:
            LeaseLost: Another process leads.
            StoreUnavailable: That can't be known.
        """
        if self.elapsed_s() + self.ttl_s / 2 < lease.lasts_until_s:
            return lease
        return self.store.renew_lease(lease, ttl_s=self.ttl_s)
