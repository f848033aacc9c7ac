"""How gateways are asked: once for all, deeper where it must be, and never for old news."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.converge import passage
from reconciler.converge.probing import Traffic
from reconciler.errors import ClusterUnavailable
from reconciler.probes.asking import NotUnderstood
from reconciler.probes.traffic import LINES, Gateways

NOW = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
THERE = Traffic(gateway="gw", routes=frozenset({"/a/b/80"}), places=frozenset({("10.0.3.5", 80)}))


@dataclass
class Logs:
    """A gateway that has told of nothing open for so many beats."""

    beats: int
    skew: timedelta = timedelta(0)
    read: list[int] = field(default_factory=list)
    elapsed_s: float = 0.0

    def __post_init__(self) -> None:
        self.gateways = Gateways(self.tail, lambda: self.elapsed_s)

    def tail(self, _: str, lines: int) -> str:
        self.read.append(lines)
        newest = int((NOW + self.skew).timestamp())
        every = passage.TOLD_EVERY_S
        told = [f"open {newest - n * every} of .\n" for n in range(self.beats)]
        return "".join(reversed(told[:lines]))

    def last_use(self, since: timedelta | None = MINUTE) -> timedelta | None:
        answered_at = None if since is None else NOW - since
        return self.gateways.last_use(THERE, now=NOW, answered_at=answered_at)


def test_a_log_is_read_once_for_all_who_are_asked_together() -> None:
    logs = Logs(beats=100)
    assert [logs.last_use() for _ in range(25)] == [None] * 25
    assert logs.read == [LINES[0]]
    logs.elapsed_s = 60
    logs.last_use()
    assert logs.read == [LINES[0]] * 2


def test_more_is_read_where_a_little_doesnt_reach_back() -> None:
    logs = Logs(beats=3_000)
    assert logs.last_use(60 * MINUTE) is None
    assert logs.read == list(LINES)


def test_what_nobody_could_see_since_the_last_answer_was_use() -> None:
    assert Logs(beats=7).last_use() == timedelta(seconds=30)


@pytest.mark.parametrize("skew", [-2 * MINUTE, 2 * MINUTE])
def test_old_news_and_other_clocks_are_no_answer(skew: timedelta) -> None:
    with pytest.raises(NotUnderstood, match="has told nothing for a while"):
        Logs(beats=100, skew=skew).last_use()


def test_a_gateway_that_tells_nothing_or_isnt_there_is_no_answer() -> None:
    with pytest.raises(NotUnderstood, match="doesn't tell"):
        Logs(beats=0).last_use()

    def away(service: str, lines: int) -> str:
        raise ClusterUnavailable("gone")

    with pytest.raises(NotUnderstood, match="can't be read"):
        Gateways(away, float).last_use(THERE, now=NOW, answered_at=None)
    with pytest.raises(NotUnderstood, match="no gateway"):
        Gateways(away, float).last_use(Traffic(unseen="no gateway"), now=NOW, answered_at=None)
