"""What lasts isn't looked at, and garbage among it is found all the same."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from reconciler import heap


class Knot:
    """Something that refers to itself."""

    def __init__(self) -> None:
        self.mine = self


@pytest.fixture(autouse=True)
def _unfrozen() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


def test_what_is_kept_is_not_looked_at_by_the_collector():
    knot = Knot()
    gone = weakref.ref(knot)
    heap.keep()

    del knot
    gc.collect()

    assert gone() is not None


def test_garbage_among_what_was_kept_goes_with_the_next_sweep():
    knot = Knot()
    gone = weakref.ref(knot)
    heap.keep()
    del knot

    heap.sweep()

    assert gone() is None
