"""What a pass takes over from the one before changes nothing: asked of each pass of a world."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from unittest.mock import patch

from reconciler import loop
from reconciler.converge.assess import assess
from reconciler.converge.world import Assessment, World
from tests.builders import outcome

EVERY = 4
"""The passes of one in so many worlds are made twice: that takes half as long again."""


@contextmanager
def rechecked() -> Iterator[None]:
    """Have each pass assessed again as if it were the first, within the block."""
    with patch.object(loop, "assess", _twice):
        yield


def _twice(world: World) -> Assessment:
    found = assess(world)
    if world.last is not None and _all(found) != _all(assess(replace(world, last=None))):
        # No error that anybody in a world takes for one of his own.
        raise AssertionError("what was taken over from the pass before changed its outcome")
    return found


def _all(found: Assessment) -> tuple[object, ...]:
    decision = found.decision
    decided = (decision.preemptions, decision.starts, decision.resizes, decision.wake_ms)
    kept = (found.records, found.books, found.letters, found.held, found.rendered.keys())
    return (*outcome(found), found.snapshot, *decided, *kept)
