"""What concerns no single execution: told once, when it comes up."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime

from reconciler.acceptance import Acceptance
from reconciler.converge import gateway
from reconciler.converge.world import Assessment
from reconciler.records import Event

log = logging.getLogger(__name__)

_OF_NO_EXECUTION = frozenset({"Orphan", "PrefetchFailed", "LogsNotKept", *gateway.REASONS})


class Alerts:
    """Remembers what was told last, to tell only what is new."""

    def __init__(self) -> None:
        self._told: frozenset[tuple[str, str]] = frozenset()

    def fresh(
        self,
        found: Assessment,
        acceptances: Iterable[Acceptance],
        push_error: str,
        *,
        commit: str,
        at: datetime,
    ) -> tuple[Event, ...]:
        """Return an event for each alert that wasn't there at the last call, and log it."""
        now = {(n.reason, n.message) for n in found.plan.notes if n.reason in _OF_NO_EXECUTION}
        now |= {(accepted.hold, accepted.message) for accepted in acceptances if accepted.hold}
        if push_error:
            now.add(("StatusNotPublished", push_error))
        new = sorted(now - self._told)
        self._told = frozenset(now)
        for reason, message in new:
            log.warning("alert", extra={"reason": reason, "message_text": message})
        return tuple(
            Event(at=at, reason=reason, message=message, commit=commit, is_warning=True)
            for reason, message in new
        )
