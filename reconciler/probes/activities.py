"""What is known of who is used, where it outlives the process that asks."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from policy.model.execution import Uid
from reconciler.converge.idleness import Activity


class Activities(Protocol):
    """Rows by run. No lease: each is true by itself, and the version stays."""

    def activities(self) -> tuple[Activity, ...]:
        """Return what is known. Raises StoreUnavailable."""

    def write_activities(self, known: Sequence[Activity], *, gone: Collection[Uid]) -> None:
        """Store what was learned of some, and forget others. Raises StoreUnavailable."""
