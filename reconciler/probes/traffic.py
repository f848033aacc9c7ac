"""What the gateways' logs say of use: read once for all that are reached through the same one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from reconciler.converge import passage
from reconciler.converge.passage import Passage
from reconciler.converge.probing import Traffic
from reconciler.errors import ActionFailed, Missing, TransientError
from reconciler.probes.asking import NotUnderstood

OFF_BY = timedelta(seconds=60)
"""The clocks of a gateway's node and ours may differ by so much, with the age of its news."""

READ_AGAIN_S = 1.0
LINES = (200, 4_000)
"""How much is read of a log: a little first, and more where that doesn't reach back far enough."""
BYTES = 1024**2

ReadLog = Callable[[str, int], str]
"""Returns so many of the last lines of a service. Raises Missing, TransientError."""


@dataclass(slots=True)
class Gateways:
    """What was read of the gateways' logs, for as long as that is news."""

    read_log: ReadLog
    elapsed_s: Callable[[], float]
    _read: dict[str, tuple[float, Passage | None]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def last_use(
        self, there: Traffic, *, now: datetime, answered_at: datetime | None
    ) -> timedelta | None:
        """Return how long ago somebody was led to an execution; None: nobody since it was asked.

        What isn't seen since it was ``answered_at`` the last time counts as use.

        Raises:
            NotUnderstood: It isn't known.
        """
        if there.unseen:
            raise NotUnderstood(there.unseen)
        needed = timedelta(0) if answered_at is None else now - answered_at
        needed = max(timedelta(0), needed) + timedelta(seconds=passage.TOLD_EVERY_S)
        found = self._passage(there.gateway, needed)
        if found is None:
            raise NotUnderstood("the gateway of its namespace doesn't tell what it passes on")
        told_at = datetime.fromtimestamp(found.told_ms / 1000, tz=now.tzinfo)
        if abs(now - told_at) > OFF_BY:
            raise NotUnderstood(
                "the gateway of its namespace has told nothing for a while, or the clock of its "
                "node differs from Zoe's"
            )
        return found.last_use(there.routes, there.places, needed=needed)

    def _passage(self, gateway: str, needed: timedelta) -> Passage | None:
        with self._lock:
            at_s, found = self._read.get(gateway, (0.0, None))
            is_news = gateway in self._read and self.elapsed_s() - at_s < READ_AGAIN_S
            if is_news and (found is None or found.covers(needed)):
                return found
            for lines in LINES:
                found = passage.read(self._log(gateway, lines))
                if found is None or found.covers(needed):
                    break
            self._forget_old()
            self._read[gateway] = (self.elapsed_s(), found)
            return found

    def _log(self, gateway: str, lines: int) -> str:
        try:
            return self.read_log(gateway, lines)
        except (Missing, ActionFailed, TransientError) as error:
            raise NotUnderstood("the log of its namespace's gateway can't be read") from error

    def _forget_old(self) -> None:
        now_s = self.elapsed_s()
        for gateway, (at_s, _) in list(self._read.items()):
            if now_s - at_s >= READ_AGAIN_S:
                del self._read[gateway]
