"""Asking a site from the event loop: in threads, few at a time, and never without end.

Deliveries of webhooks are answered on the event loop, between two steps of these threads: the
fewer run side by side, the sooner it has its turn.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import anyio
import anyio.to_thread

from webhook.site import Away

T = TypeVar("T")

AT_ONCE = 4
MOST_WAITING = 200


class Asking:
    """Belongs to one event loop."""

    def __init__(self, *, at_once: int = AT_ONCE, most_waiting: int = MOST_WAITING) -> None:
        self._limiter = anyio.CapacityLimiter(at_once)
        self._most_waiting = most_waiting

    async def __call__(self, question: Callable[[], T]) -> T:
        """Return what ``question`` returns. Raises Away where too many wait already."""
        if self._limiter.statistics().tasks_waiting >= self._most_waiting:
            raise Away("too many ask at once: ask again in a moment", retry_after_s=2)
        return await anyio.to_thread.run_sync(question, limiter=self._limiter)
