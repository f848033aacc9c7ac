"""What concerns no single execution and somebody must look at, from when it comes up until it ends.

What is new becomes an event and a line in the log; what stands is a board, which page, terminal and
metrics show.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from reconciler.converge import gateway
from reconciler.converge.lost_nodes import NODE_DOWN
from reconciler.converge.plan import Note
from reconciler.reporting.commit_log import problem_of
from reconciler.reporting.records import Event
from reconciler.source.acceptance import Acceptance

log = logging.getLogger(__name__)

NOT_PUBLISHED = "StatusNotPublished"
CHANGED = "StatusBranchChanged"
DATABASE_BEHIND = "DatabaseBehind"
REASONS = frozenset({"Orphan", "PrefetchFailed", "LogsNotKept", NODE_DOWN, *gateway.REASONS})
"""Of what a plan leaves alone, what stands on the board."""

Subject = tuple[str, str]
"""A reason, and what it is told of: as long as that stays, it is the same alert."""


def standing(
    reason: str, message: str, *, since: datetime, kind: str = "platform"
) -> dict[str, Any]:
    """Return what stands as it is told on the board."""
    return {"reason": reason, "message": message, "since": since.isoformat(), "kind": kind}


@dataclass(slots=True)
class Alerts:
    """What stands now. A new leader begins with none: what still stands is told once more."""

    _standing: dict[Subject, dict[str, Any]] = field(default_factory=dict)

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
        now = {subject: standing(*subject, since=at) for subject in complaints}
        words = {}
        for note in notes:
            if note.reason == NODE_DOWN:
                # What it says of who ran there is over soon; it stands as it was first told.
                told = standing(NODE_DOWN, note.message, since=at, kind="node")
                now[NODE_DOWN, note.name] = told
            elif note.reason in REASONS:
                now[note.reason, note.message] = standing(note.reason, note.message, since=at)
        for accepted in acceptances:
            if accepted.hold:
                # Anybody may see the board; the log says what Git said.
                subject = accepted.hold, problem_of(accepted)
                now[subject] = standing(*subject, since=at, kind="source")
                words[subject] = accepted.message
        fresh = sorted(now.keys() - self._standing.keys())
        self._standing = {one: self._standing.get(one, now[one]) for one in sorted(now)}
        events = []
        for subject in fresh:
            reason, message = subject[0], words.get(subject, now[subject]["message"])
            log.warning("alert", extra={"reason": reason, "message_text": message})
            event = Event(at=at, reason=reason, message=message, commit=commit, is_warning=True)
            events.append(event)
        return tuple(events)

    @property
    def board(self) -> list[dict[str, Any]]:
        """What stands, for ``Board.alerts``."""
        return list(self._standing.values())
