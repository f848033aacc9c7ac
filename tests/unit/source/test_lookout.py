"""Sources fetched beside the loop: bounded, each by itself, never in anybody's way."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from reconciler.errors import SourceUnavailable
from reconciler.source.lookout import SIDE_BY_SIDE, Lookout

LONGEST_S = 10.0


@dataclass
class Remote:
    """Stalls while ``gate`` is closed; then tells its tips one after the other."""

    tips: list[str]
    gate: threading.Event = field(default_factory=threading.Event)
    begun: threading.Event = field(default_factory=threading.Event)
    looks: int = 0
    clones: int = 0

    def fetch(self) -> str:
        self.begun.set()
        assert self.gate.wait(LONGEST_S)
        self.looks += 1
        tip = self.tips[min(self.looks, len(self.tips)) - 1]
        if not tip:
            raise SourceUnavailable("away")
        if tip == "fault":
            raise RuntimeError("a fault")
        return tip

    def fetch_anew(self) -> str:
        self.clones += 1
        return self.fetch()


def remote(*tips: str, is_open: bool = True) -> Remote:
    made = Remote(list(tips))
    if is_open:
        made.gate.set()
    return made


@pytest.fixture
def closing() -> Iterator[list[Lookout]]:
    opened: list[Lookout] = []
    yield opened
    for lookout in opened:
        lookout.close()


def test_what_was_found_last_counts() -> None:
    one = remote("a", "", "b", "fault")
    lookout = Lookout({"one": one})
    assert lookout.finding("one") is None
    found = []
    for _ in range(4):
        lookout.look_now()
        finding = lookout.finding("one")
        assert finding is not None
        found.append((finding.tip, str(finding.error or "")))
    assert found[:3] == [("a", ""), ("", "away"), ("b", "")]
    assert found[3][0] == ""
    assert "RuntimeError" in found[3][1]


def test_dead_ones_keep_nobody_waiting_but_themselves(closing: list[Lookout]) -> None:
    dead = {f"d{number}": remote("x", is_open=False) for number in range(SIDE_BY_SIDE - 1)}
    alive = remote("a")
    lookout = Lookout({**dead, "alive": alive})
    closing.append(lookout)
    told = threading.Event()
    lookout.start(told.set)
    assert told.wait(LONGEST_S)
    finding = lookout.finding("alive")
    assert finding is not None
    assert finding.tip == "a"
    assert all(lookout.finding(name) is None for name in dead)
    lookout.close()  # doesn't wait for them
    for one in dead.values():
        one.gate.set()


def test_only_news_wake_the_loop(closing: list[Lookout]) -> None:
    times = [0.0]
    one = remote("a", "a", "b")
    lookout = Lookout({"one": one}, clock=lambda: times[0])
    closing.append(lookout)
    told = threading.Semaphore(0)
    lookout.start(lambda: told.release())
    assert told.acquire(timeout=LONGEST_S)
    times[0] = 10.0
    lookout.look_now()
    lookout.look_now()
    assert told.acquire(timeout=LONGEST_S)
    assert not told.acquire(blocking=False)
    assert one.looks == 3


def test_a_damaged_mirror_is_cloned_anew_once() -> None:
    one = remote("a")
    lookout = Lookout({"one": one})
    lookout.mend("one")
    lookout.look_now()
    lookout.look_now()
    assert (one.clones, one.looks) == (1, 2)


def test_without_sources_there_is_no_thread() -> None:
    before = threading.active_count()
    lookout = Lookout({})
    lookout.start(lambda: None)
    lookout.look_now()
    assert threading.active_count() == before
    lookout.close()
