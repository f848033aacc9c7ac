"""Whether deliveries can be taken now. Asked often and by anybody, so the database isn't."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from reconciler.errors import ReconcilerError
from reconciler.inbox import Inbox

FRESH = timedelta(seconds=2)


class Readiness:
    """Remembers the last answer of the database for a moment."""

    def __init__(self, inbox: Inbox, clock: Callable[[], datetime]) -> None:
        self._inbox = inbox
        self._clock = clock
        self._asked_at: datetime | None = None
        self._problem = ""
        self._asking = asyncio.Lock()

    async def problem(self) -> str:
        """Return what keeps us from taking deliveries; empty when nothing does."""
        async with self._asking:
            now = self._clock()
            if self._asked_at is None or now - self._asked_at >= FRESH:
                self._problem = await asyncio.to_thread(self._ask)
                self._asked_at = now
            return self._problem

    def _ask(self) -> str:
        try:
            self._inbox.check()
        except ReconcilerError:
            # Not the error's own words: they name hosts and files, and anybody may ask.
            return "the database is away, or zoe run hasn't prepared it yet"
        return ""
