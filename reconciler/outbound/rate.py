"""PURE: how often a target is written to, so that no forge takes us for an abuser.

GitHub asks for at most 80 writes of content a minute and 500 an hour; nobody is known to ask for
less. We stay below, since others use the same account.
"""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

PER_MINUTE = 60
PER_HOUR = 400
_MINUTE, _HOUR = timedelta(minutes=1), timedelta(hours=1)


@dataclass(slots=True)
class Pace:
    """The writes of the last hour, by target."""

    _written: dict[str, deque[datetime]] = field(default_factory=lambda: defaultdict(deque))

    def allows(self, target: str, now: datetime) -> bool:
        """Tell whether the target may be written to now."""
        written = self._written[target]
        while written and now - written[0] >= _HOUR:
            written.popleft()
        lately = sum(now - at < _MINUTE for at in written)
        return len(written) < PER_HOUR and lately < PER_MINUTE

    def note(self, target: str, now: datetime) -> None:
        """Remember a write."""
        self._written[target].append(now)
