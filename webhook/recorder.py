"""Puts deliveries down many at a time: while one transaction is under way, the next ones gather.

So a flood costs a transaction per round trip to the database, not one per delivery, and no more
than one connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from reconciler.errors import ReconcilerError, StoreUnavailable
from reconciler.inbox import Delivery, Inbox

PATIENCE_S = 5.0
"""How long a delivery waits for the database. Forges give up after ten seconds."""

_Waiting = list[tuple[Delivery, asyncio.Future[bool]]]


class Recorder:
    """Belongs to one event loop; the inbox is called in a thread, once at a time."""

    def __init__(self, inbox: Inbox, *, patience_s: float = PATIENCE_S) -> None:
        self._inbox = inbox
        self._patience_s = patience_s
        self._waiting: _Waiting = []
        self._writing: asyncio.Task[None] | None = None

    async def record(self, delivery: Delivery) -> bool:
        """Return, once it is stored, whether it is new.

        Raises:
            StoreUnavailable: It isn't stored, or nobody knows: the forge should send it again.
        """
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((delivery, answer))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        try:
            async with asyncio.timeout(self._patience_s):
                return await answer
        except TimeoutError:
            raise StoreUnavailable("the database takes too long") from None

    async def _write(self) -> None:
        while self._waiting:
            # Who gave up waiting will come again.
            batch = [(one, answer) for one, answer in self._waiting if not answer.done()]
            self._waiting = []
            if batch:
                await self._write_batch(batch)

    async def _write_batch(self, batch: _Waiting) -> None:
        try:
            told: Sequence[bool | ReconcilerError] = await asyncio.to_thread(
                self._inbox.record, [delivery for delivery, _ in batch]
            )
        except ReconcilerError as error:
            told = [error] * len(batch)
        for (_, answer), said in zip(batch, told, strict=True):
            if answer.done():
                continue
            if isinstance(said, bool):
                answer.set_result(said)
            else:
                answer.set_exception(said)
