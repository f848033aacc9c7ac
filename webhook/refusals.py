"""What was refused, told in the log without letting a flood of it fill the log."""

from __future__ import annotations

import logging
from collections import Counter
from datetime import datetime, timedelta

log = logging.getLogger(__name__)

PERIOD = timedelta(minutes=1)


class Refusals:
    """Tells the first one at once, and then how many there were, at most once a period."""

    def __init__(self) -> None:
        self._told_at: datetime | None = None
        self._untold: Counter[tuple[str, int]] = Counter()

    def note(self, source_id: str, status: int, now: datetime) -> None:
        """Count one, and tell all that weren't told if it is time to."""
        self._untold[source_id, status] += 1
        if self._told_at is not None and now - self._told_at < PERIOD:
            return
        self._told_at = now
        for (source, code), count in sorted(self._untold.items()):
            log.warning("refused", extra={"source": source, "status": code, "count": count})
        self._untold.clear()
