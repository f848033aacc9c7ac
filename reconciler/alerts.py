"""What concerns no single execution and somebody must look at, from when it comes up until it ends.

What is new becomes an event and a line in the log; what stands is a board, which page, terminal and
metrics show.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from reconciler.acceptance import Acceptance
from reconciler.converge import gateway
from reconciler.converge.plan import Note
from reconciler.records import Event

log = logging.getLogger(__name__)

NOT_PUBLISHED = "StatusNotPublished"
CHANGED = "StatusBranchChanged"
DATABASE_BEHIND = "DatabaseBehind"
REASONS = frozenset(
    {"Orphan", "PrefetchFailed", "LogsNotKept", NOT_PUBLISHED, CHANGED, *gateway.REASONS}
)
"""What stands on the board. What holds a commit back is told by the sign of life (``Pulse``)."""


def standing(reason: str, message: str, *, since: datetime) -> dict[str, Any]:
    """Return what stands as it is told on the board."""
    return {"reason": reason, "message": message, "since": since.isoformat()}


@dataclass(slots=True)
class Alerts:
    """What stands now. A new leader begins with none: what still stands is told once more."""

    _since: Mapping[tuple[str, str], datetime] = field(default_factory=dict)

    def update(
        self,
        notes: Iterable[Note],
        acceptances: Iterable[Acceptance],
        complaints: Iterable[tuple[str, str]],
        *,
        commit: str,
        at: datetime,
    ) -> tuple[Event, ...]:
        """Take in what a pass found, and return what is new in it."""
        now = {(note.reason, note.message) for note in notes if note.reason in REASONS}
        now |= {(accepted.hold, accepted.message) for accepted in acceptances if accepted.hold}
        now |= set(complaints)
        fresh = sorted(now - self._since.keys())
        self._since = {one: self._since.get(one, at) for one in sorted(now)}
        for reason, message in fresh:
            log.warning("alert", extra={"reason": reason, "message_text": message})
        return tuple(
            Event(at=at, reason=reason, message=message, commit=commit, is_warning=True)
            for reason, message in fresh
        )

    @property
    def board(self) -> list[dict[str, Any]]:
        """What stands, for ``Board.alerts``."""
        return [
            standing(reason, message, since=since)
            for (reason, message), since in self._since.items()
            if reason in REASONS
        ]
