"""Whether the reading made last still holds: nothing was told since, and nothing done by us.

Listing all of a Swarm again costs the engine more than everybody else in a pass. What it tells by
events needn't be listed again while there are none; tasks it doesn't tell of.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from time import monotonic

from reconciler.converge.state import ObservedState

RELIST_S = 10.0
"""So old a reading may get: that long an event that was lost stays unknown, and a task's end."""


@dataclass(frozen=True, slots=True)
class _Held:
    state: ObservedState
    mark: Hashable
    at_s: float


class Gate:
    """The reading made last. Belongs to whoever reads.

    ``mark`` returns something else after each change that was told of, or made; None while nothing
    would be told. ``elapsed_s`` is a steady clock.
    """

    def __init__(
        self, mark: Callable[[], Hashable | None], elapsed_s: Callable[[], float] = monotonic
    ) -> None:
        self._mark = mark
        self._elapsed_s = elapsed_s
        self._held: _Held | None = None

    def read(self, make: Callable[[], ObservedState]) -> ObservedState:
        """Return a whole reading, and hold it."""
        self._held = None
        mark, at_s = self._mark(), self._elapsed_s()
        state = make()
        self._held = _Held(state, mark, at_s)
        return state

    def reread(
        self, last: ObservedState, make: Callable[[], ObservedState]
    ) -> ObservedState | None:
        """Return ``last`` with what ``make`` reads anew; None where more may have changed."""
        held = self._held
        if held is None or held.state is not last or held.mark is None:
            return None
        if held.mark != self._mark() or self._elapsed_s() - held.at_s >= RELIST_S:
            return None
        state = make()
        if held.mark != self._mark():
            return None
        self._held = _Held(state, held.mark, held.at_s)
        return state
