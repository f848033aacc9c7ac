"""What a pull request was shown, remembered until its merge can be compared with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Protocol

from policy.forecast import FITS_NOW
from policy.model.execution import Uid
from reconciler.inbox import ReviewRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedLine:
    """What was shown of one execution.

    ``action`` is a ``review.preview.ActionKind``; ``position`` 0 = it doesn't wait; ``starts_now``:
    it was to start with the next decision; ``leaves``: nothing in the head asks for it any more.
    """

    uid: Uid
    namespace: str
    name: str
    action: str
    position: int
    starts_now: bool
    leaves: bool

    @property
    def full_name(self) -> str:
        """Return NAMESPACE/NAME."""
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PostedPlan:
    """The newest plan of a pull request or merge group.

    ``tree`` is the digest of the files that the merge would leave, by which a squashed merge is
    known. ``plan`` is what ``zoe plan -o json`` prints, ``body`` the comment. ``merged_as`` is the
    accepted commit that brought it ("" = none yet), ``is_agreed`` tells whether the forge showed
    the plan when it was merged, and ``differences`` what came out otherwise then.
    """

    source_id: str
    subject: str
    pull: int | None
    head: str
    base: str
    tree: str
    plan: Mapping[str, Any]
    body: str
    at: datetime
    merged_as: str = ""
    is_agreed: bool = False
    differences: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[PlannedLine, ...]:
        """What was shown of each execution, in the order in which it was shown."""
        return tuple(map(_line, self.plan.get("actions", ())))

    @property
    def deletes(self) -> frozenset[Uid]:
        """Whoever was shown this has seen that these go."""
        return frozenset(line.uid for line in self.lines if line.leaves)


def _line(told: Mapping[str, Any]) -> PlannedLine:
    return PlannedLine(
        uid=Uid(told["uid"]),
        namespace=told["namespace"],
        name=told["name"],
        action=told["action"],
        position=told["position"] or 0,
        starts_now=told["start"]["basis"] == FITS_NOW,
        leaves=told["leaves"],
    )


def files_digest(files: Mapping[str, str]) -> str:
    """Return what the files of a tree are told apart by: their paths and blob ids."""
    lines = (f"{blob} {path}\n" for path, blob in sorted(files.items()))
    return sha256("".join(lines).encode()).hexdigest()


class Reviews(Protocol):
    """Where requests to review and posted plans are kept. Any thread."""

    def review_requests(self) -> tuple[ReviewRequest, ...]:
        """Return what is to be reviewed, oldest first. Raises StoreUnavailable."""

    def posted_plans(self, source_id: str) -> tuple[PostedPlan, ...]:
        """Return the plans that a source's pull requests were shown, by subject."""
