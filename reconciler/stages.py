"""How long each stage of a pass took, so that a slow one explains itself."""

from __future__ import annotations

from datetime import timedelta

from reconciler.ports import Clock

_MILLISECOND = timedelta(milliseconds=1)


class Stages:
    """The stages of one pass, one after the other.

    Attributes:
        started: When the pass began.
        ms: Stage -> how many milliseconds it took, in the order in which they ended.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.started = self._last = clock.now()
        self.ms: dict[str, int] = {}

    def end(self, stage: str) -> None:
        """Say that all since the end of the stage before was this one."""
        now = self._clock.now()
        self.ms[stage] = (now - self._last) // _MILLISECOND
        self._last = now

    @property
    def took_ms(self) -> int:
        """How long those took together that have ended."""
        return sum(self.ms.values())
