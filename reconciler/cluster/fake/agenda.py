"""Time that passes only when told to, and an agenda of what is due when. No threads."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

_START = datetime(2026, 1, 1, tzinfo=UTC)


class VirtualClock:
    """A ``ports.Clock`` that stands still between calls of :meth:`advance`."""

    def __init__(self, start: datetime = _START) -> None:
        self._now = start

    def now(self) -> datetime:
        """Return the virtual time, in UTC."""
        return self._now

    def advance(self, ms: int) -> None:
        """Let time pass. Time never goes back: ``ms`` must not be negative."""
        if ms < 0:
            raise ValueError("time can't go back")
        self._now += timedelta(milliseconds=ms)


class Agenda:
    """Actions in order of their time; those due together run in the order they were entered."""

    def __init__(self, now_ms: int) -> None:
        self.now_ms = now_ms
        self._entries: list[tuple[int, int, Callable[[], None]]] = []
        self._entered = 0

    def after(self, ms: int, action: Callable[[], None]) -> None:
        """Enter an action, due ``ms`` from now."""
        self._entered += 1
        heapq.heappush(self._entries, (self.now_ms + ms, self._entered, action))

    def run_until(self, now_ms: int) -> None:
        """Run all that is due, each at its own time, including what these enter anew."""
        while self._entries and self._entries[0][0] <= now_ms:
            due_ms, _, action = heapq.heappop(self._entries)
            self.now_ms = max(self.now_ms, due_ms)
            action()
        self.now_ms = max(self.now_ms, now_ms)

    @property
    def next_due_ms(self) -> int | None:
        """When something happens next; None if nothing will."""
        return self._entries[0][0] if self._entries else None


def to_ms(at: datetime) -> int:
    """Return milliseconds since the epoch."""
    return (at - datetime.fromtimestamp(0, tz=UTC)) // timedelta(milliseconds=1)


def from_ms(ms: int) -> datetime:
    """Return the time (UTC) that is ``ms`` after the epoch."""
    return datetime.fromtimestamp(0, tz=UTC) + timedelta(milliseconds=ms)
