"""What a rebuilt database is filled with, and the part of the store that takes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from reconciler.converge.ledger import Entry
from reconciler.converge.world import HoldRequest

if TYPE_CHECKING:
    from reconciler.ports import Lease
    from reconciler.stored import Changes


@dataclass(frozen=True, slots=True, kw_only=True)
class Restoration:
    """Facts with their numbers, and what goes with them (``rest`` has no facts).

    ``epoch`` is the highest that anybody has led under; ``confirmed`` commits are entered as ``by``
    whoever rebuilds.
    """

    facts: tuple[Entry, ...]
    epoch: int
    rest: Changes
    confirmed: tuple[str, ...] = ()
    holds: tuple[HoldRequest, ...] = ()
    by: str = ""


class Restorable(Protocol):
    """A store that can be filled from what was published."""

    def restore(self, restoration: Restoration, lease: Lease) -> Lease:
        """Write it in one transaction; facts that are there stay. Return the lease, led anew.

        Raises:
            LeaseLost: Another process leads; nothing was written.
            InvariantViolated: A fact of the same number is another one; nothing was written.
            StoreUnavailable: It isn't known whether it was written: try again.
        """
