"""What pages are told although nothing changed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Literal, cast

import pytest

from reconciler.config import Settings, SourceSettings, WebhookSettings
from tests.unit.webhook.pictures import AT, picture
from webhook.keeper import Change
from webhook.observing import _Alarm, forge


class Ears:
    """Streams that remember what they were told."""

    def __init__(self) -> None:
        self.heard: list[Change] = []

    def tell(self, change: Change) -> None:
        self.heard.append(change)


class SetClock:
    """A clock that is set by hand."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


def test_a_loop_that_falls_silent_is_told_once_and_its_return_once_more():
    ears, clock, kept = Ears(), SetClock(AT), picture(1, "a")
    alarm = _Alarm(cast("Any", ears), clock)
    for seconds in (0, 60, 91, 92, 93):
        clock.at = AT + timedelta(seconds=seconds)
        alarm.look(kept)
    assert [change.names for change in ears.heard] == [()]
    clock.at = AT + timedelta(seconds=10)
    alarm.look(kept)
    alarm.look(kept)
    assert len(ears.heard) == 2


@pytest.mark.parametrize(
    ("provider", "base"), [("gitlab", "https://git.lab/lab/config"), ("generic", "")]
)
def test_links_lead_to_the_forge_that_calls_where_none_is_told(
    provider: Literal["gitlab", "generic"], base: str
) -> None:
    source = SourceSettings(
        id="platform",
        url="https://git.lab/lab/config",
        webhook=WebhookSettings(provider=provider),
    )
    assert forge(Settings(sources=(source,))).base == base
