"""What the webhook receiver hands to the loop. They meet in the database and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class Outcome(StrEnum):
    """What is done about a delivery."""

    LOOK = "look"
    """Fetch the source."""
    REVIEW = "review"
    """Review a pull request, or a group of them that is about to be merged."""
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewRequest:
    """What to review. ``head`` is a hint and may be empty or old: what counts is what is fetched.

    ``kind`` is pull_request or merge_group; ``action`` is updated, closed or merged. ``branch`` is
    where the head is, for forges that keep no ref of a pull request; ``is_fork`` says that it is
    in another repository, or that the forge didn't say where.
    """

    source_id: str
    kind: str
    pull: int | None
    head: str
    action: str
    requested_at: datetime
    branch: str = ""
    is_fork: bool = False

    @property
    def subject(self) -> str:
        """Return what several requests have in common, of which only the newest counts."""
        return f"merge_group/{self.head}" if self.pull is None else f"pull/{self.pull}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One message of a forge whose signature was right."""

    source_id: str
    delivery_id: str
    provider: str
    kind: str
    outcome: Outcome
    received_at: datetime
    review: ReviewRequest | None = None


class Inbox(Protocol):
    """Where deliveries are put down. Any thread."""

    def record(self, deliveries: Sequence[Delivery]) -> tuple[bool, ...]:
        """Store those that weren't there yet and what they ask for, in one transaction.

        Returns, for each in order, whether it is new. Raises StoreUnavailable.
        """

    def check(self) -> None:
        """Raise StoreUnavailable where :meth:`record` would."""
