"""How often a source is fetched, and how soon the Swarm is looked at again.

A source is fetched at once when something is told, but never without a pause after.

A delivery that comes while we fetch, or soon after, is remembered: one more fetch, when the pause
is over, sees all that was told meanwhile. The timer's look is no reason to make a push wait.
"""

from __future__ import annotations

import threading

SPACING_S = 5.0
# Tasks send no events, so what is in motion is polled.
POLL_FIRST_S = 0.1
POLL_MOST_S = 1.0
POLL_GROWTH = 1.5


class Pace:
    """Whether to fetch now. Times are seconds of one steady clock. Any thread."""

    def __init__(self, *, spacing_s: float = SPACING_S) -> None:
        self._spacing_s = spacing_s
        self._lock = threading.Lock()
        self._is_told = False
        self._is_due = False
        self._fetched_at: float | None = None
        self._fetched_as_told_at: float | None = None

    def tell(self) -> None:
        """Note that somebody asks for a look: a delivery, an operator."""
        with self._lock:
            self._is_told = True

    def tick(self) -> None:
        """Note that the timer asks for a look."""
        with self._lock:
            self._is_due = True

    def take(self, now: float) -> bool:
        """Tell whether to fetch now; if so, everything asked for so far is done by it."""
        with self._lock:
            if self._wait_s(now) != 0:
                return False
            self._fetched_at = now
            if self._is_told:
                self._fetched_as_told_at = now
            self._is_told = self._is_due = False
            return True

    def wait_s(self, now: float) -> float | None:
        """Return how long what is asked for has to wait; None when nothing is."""
        with self._lock:
            return self._wait_s(now)

    def _wait_s(self, now: float) -> float | None:
        waits = []
        if self._is_told:
            waits.append(self._left_s(self._fetched_as_told_at, now))
        if self._is_due:
            waits.append(self._left_s(self._fetched_at, now))
        return min(waits, default=None)

    def _left_s(self, since: float | None, now: float) -> float:
        return 0.0 if since is None else max(0.0, since + self._spacing_s - now)


class Poll:
    """How long to wait between two looks at what is in motion: soon after a change, then longer.

    No more than half of the time goes into looking.
    """

    def __init__(self) -> None:
        self._wait_s = POLL_FIRST_S

    def after(self, *, is_changing: bool, took_s: float) -> float:
        """Return how long to wait after a pass that took so long, and changed something or not."""
        wait_s = POLL_FIRST_S if is_changing else self._wait_s
        self._wait_s = min(POLL_MOST_S, wait_s * POLL_GROWTH)
        return max(wait_s, took_s)
