"""What operators put down in the database by hand, and every pass looks at. Needs no lease."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from reconciler.converge.world import HoldRequest


class Orders(Protocol):
    """Confirmations and holds; each method may raise StoreUnavailable."""

    def confirm(self, commit: str, *, by: str, at: datetime) -> None:
        """Record an operator's confirmation of a commit."""

    def confirmations(self) -> frozenset[str]:
        """Return the confirmed commits."""

    def ask_hold(self, asked: HoldRequest) -> None:
        """Record that an operator holds or releases a name; the newest counts."""

    def hold_requests(self) -> tuple[HoldRequest, ...]:
        """Return the newest request of each name."""
