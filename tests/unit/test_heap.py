"""What lasts isn't looked at, and garbage among it is found all the same."""

from __future__ import annotations

import gc
import os
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.heap import EVERY_S, Heap

PIECE = 64 * 1024
"""Bytes: too many for Python's own allocator, too few for a mapping of its own."""
MANY = 1000


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


class Knot:
    """Something that refers to itself."""

    def __init__(self) -> None:
        self.mine = self


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


def test_what_is_kept_is_not_looked_at_by_the_collector() -> None:
    knot = Knot()
    gone = weakref.ref(knot)
    Heap().keep()
    del knot
    gc.collect()
    assert gone() is not None


def test_garbage_among_what_was_kept_goes_with_the_next_sweep() -> None:
    knot = Knot()
    gone = weakref.ref(knot)
    heap = Heap()
    heap.keep()
    del knot
    heap.sweep()
    assert gone() is None


def test_memory_that_is_free_goes_back_to_the_system_with_the_next_sweep() -> None:
    held = [bytes(PIECE) for _ in range(MANY)]
    above = bytes(PIECE)  # of the same heap and higher: free memory below it stays with glibc
    full = resident_bytes()
    held.clear()
    Heap().sweep()
    assert full - resident_bytes() > PIECE * MANY // 2
    assert len(above) == PIECE


def test_what_is_garbage_by_then_is_not_kept() -> None:
    gone = weakref.ref(Knot())
    Heap().keep()
    assert gone() is None


def test_what_is_new_is_kept_from_time_to_time() -> None:
    now = [100.0]
    heap = Heap(lambda: now[0])
    heap.keep()
    before = gc.get_freeze_count()
    made = [[number] for number in range(1000)]
    heap.keep()
    assert gc.get_freeze_count() == before
    now[0] += EVERY_S
    heap.keep()
    assert gc.get_freeze_count() >= before + len(made)
