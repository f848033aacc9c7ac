"""Whoever was stopped asks before it acts; whoever was renewed in time doesn't."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from reconciler.errors import LeaseLost
from reconciler.fence import Fence
from reconciler.ports import Lease

HELD = Lease(holder="a", epoch=1, expires_at=datetime(2026, 1, 1, tzinfo=UTC), lasts_until_s=130)


@dataclass
class Leases:
    """The one row of a database, as far as a fence asks for it."""

    epoch: int = 1
    asked: list[float] = field(default_factory=list)

    def renew_lease(self, lease: Lease, *, ttl_s: float) -> Lease:
        self.asked.append(ttl_s)
        if lease.epoch != self.epoch:
            raise LeaseLost("another one leads")
        return lease


@pytest.mark.parametrize(("now_s", "asks"), [(100.0, 0), (114.9, 0), (115.0, 1), (1e6, 1)])
def test_the_database_is_asked_once_less_than_half_of_the_lease_is_left(
    now_s: float, asks: int
) -> None:
    leases = Leases()
    fence = Fence(store=leases, ttl_s=30, elapsed_s=lambda: now_s)  # type: ignore[arg-type]
    assert fence.passed(HELD) == HELD
    assert len(leases.asked) == asks


def test_who_was_stopped_until_another_one_led_does_nothing_any_more() -> None:
    fence = Fence(store=Leases(epoch=2), ttl_s=30, elapsed_s=lambda: 200.0)  # type: ignore[arg-type]
    with pytest.raises(LeaseLost):
        fence.passed(HELD)
