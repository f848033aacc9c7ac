"""When the reading made last is as good as a new one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from reconciler.cluster.gate import RELIST_S, Gate
from reconciler.converge.state import ObservedState
from tests.builders import observed


class Held:
    """A gate with a reading that it holds."""

    def __init__(self) -> None:
        self.mark: int | None = 1
        self.now_s = 100.0
        self.gate = Gate(lambda: self.mark, lambda: self.now_s)
        self.state = self.gate.read(observed)

    def again(self, make: Callable[[], ObservedState] = observed) -> ObservedState | None:
        return self.gate.reread(self.state, make)


@pytest.fixture
def held() -> Held:
    return Held()


def test_a_reading_holds_again_and_again_until_it_is_old(held: Held) -> None:
    for _ in range(9):
        held.now_s += RELIST_S / 10
        held.state = held.again() or pytest.fail("it is young")
    held.now_s += RELIST_S / 10
    assert held.again() is None


def test_only_the_newest_reading_holds(held: Held) -> None:
    older = held.state
    held.state = held.again() or pytest.fail("it is the newest")
    assert held.gate.reread(older, observed) is None
    assert held.gate.reread(replace(held.state), observed) is None
    assert held.again() is not None


def test_after_something_was_told_it_holds_no_more(held: Held) -> None:
    held.mark = 2
    assert held.again(lambda: pytest.fail("a part is read for nothing")) is None


def test_what_is_told_while_it_is_read_again_counts(held: Held) -> None:
    def tells() -> ObservedState:
        held.mark = 2
        return observed()

    assert held.again(tells) is None
    assert held.again() is None


def test_what_was_told_while_it_was_made_counts(held: Held) -> None:
    def tells() -> ObservedState:
        held.mark = 2
        return observed()

    held.state = held.gate.read(tells)
    assert held.again() is None


def test_while_nothing_would_be_told_nothing_holds(held: Held) -> None:
    held.mark = None
    held.state = held.gate.read(observed)
    assert held.again() is None


def test_a_reading_that_failed_leaves_none(held: Held) -> None:
    def fails() -> ObservedState:
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        held.gate.read(fails)
    assert held.again() is None
