"""Deliveries are put down together, and nobody waits for a database that hangs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from reconciler.errors import StoreUnavailable
from reconciler.inbox import Delivery, Outcome
from webhook.recorder import Recorder


def delivery(identity: str) -> Delivery:
    return Delivery(
        source_id="platform",
        delivery_id=identity,
        provider="github",
        kind="push",
        outcome=Outcome.LOOK,
        received_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


class HeldInbox:
    """An inbox that answers when it is let go, and says of odd ids that they are new."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.is_asked = threading.Event()
        self.go_on = threading.Event()

    def record(self, deliveries: Sequence[Delivery]) -> tuple[bool, ...]:
        self.is_asked.set()
        self.go_on.wait(20)
        self.batches.append([one.delivery_id for one in deliveries])
        return tuple(int(one.delivery_id) % 2 == 1 for one in deliveries)

    def check(self) -> None:
        """Be well."""


def test_what_comes_while_one_is_written_is_written_together() -> None:
    inbox = HeldInbox()

    async def come() -> list[bool]:
        recorder = Recorder(inbox)
        first = asyncio.create_task(recorder.record(delivery("1")))
        await asyncio.to_thread(inbox.is_asked.wait, 20)
        others = [asyncio.create_task(recorder.record(delivery(str(n)))) for n in range(2, 6)]
        await asyncio.sleep(0)
        inbox.go_on.set()
        return list(await asyncio.gather(first, *others))

    assert asyncio.run(come()) == [True, False, True, False, True]
    assert inbox.batches == [["1"], ["2", "3", "4", "5"]]


def test_who_waited_too_long_is_told_so_and_not_written_afterwards() -> None:
    inbox = HeldInbox()

    async def come() -> None:
        recorder = Recorder(inbox, patience_s=0.05)
        first = asyncio.create_task(recorder.record(delivery("1")))
        await asyncio.to_thread(inbox.is_asked.wait, 20)
        second = asyncio.create_task(recorder.record(delivery("2")))
        for waiting in (first, second):
            with pytest.raises(StoreUnavailable, match="takes too long"):
                await waiting
        third = asyncio.create_task(recorder.record(delivery("3")))
        await asyncio.sleep(0)
        inbox.go_on.set()
        assert await third

    asyncio.run(come())
    assert inbox.batches == [["1"], ["3"]]


class FailingInbox(HeldInbox):
    """An inbox that fails once."""

    def record(self, deliveries: Sequence[Delivery]) -> tuple[bool, ...]:
        if not self.is_asked.is_set():
            self.is_asked.set()
            raise StoreUnavailable("away")
        return (True,) * len(deliveries)


def test_a_failure_is_told_to_those_it_concerns_and_to_nobody_after() -> None:
    async def come() -> None:
        recorder = Recorder(FailingInbox())
        with pytest.raises(StoreUnavailable, match="away"):
            await recorder.record(delivery("1"))
        assert await recorder.record(delivery("1"))

    asyncio.run(come())
