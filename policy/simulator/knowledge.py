"""What policy may know about how long an application runs: everything, hints, or only the past."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from enum import StrEnum

from policy.model.execution import Estimate, EstimateBasis
from policy.simulator.application import Application

Estimator = Callable[[Sequence[int], int | None], Estimate | None]
"""``estimate(samples_ms, hint_ms)``: samples of earlier runs, the oldest first."""

Key = tuple[str, str]
"""Whose runs teach about whom: namespace and stem."""

NEWEST = 50
"""How many earlier runs are remembered for each key, as in the live system."""


class Estimates(StrEnum):
    """Where estimates come from. ``user`` and ``none`` learn from runs that have ended."""

    EXACT = "exact"
    USER = "user"
    NONE = "none"


class Knowledge:
    """Estimates as policy would have them at each moment of a run."""

    def __init__(self, estimates: Estimates, estimator: Estimator, *, learns: bool = True) -> None:
        self._estimates = estimates
        self._estimator = estimator
        self._learns = learns and estimates is not Estimates.EXACT
        self._samples: defaultdict[Key, deque[int]] = defaultdict(lambda: deque(maxlen=NEWEST))

    @staticmethod
    def key(application: Application) -> Key:
        """Return whose past tells about an application."""
        return (application.execution.namespace, application.stem)

    def estimate(self, application: Application) -> Estimate | None:
        """Return what is known now."""
        runtime = application.runtime_ms
        if self._estimates is Estimates.EXACT:
            return None if runtime is None else exact(runtime)
        hint = application.hint_ms if self._estimates is Estimates.USER else None
        samples = self._samples.get(self.key(application), ())
        return self._estimator(tuple(samples), hint)

    def learn(self, application: Application) -> bool:
        """Take note that an application has ended; tell whether that may change estimates."""
        if not self._learns or application.runtime_ms is None or not application.stem:
            return False
        self._samples[self.key(application)].append(application.runtime_ms)
        return True


def exact(runtime_ms: int) -> Estimate:
    """Return the estimate of who knows the truth."""
    return Estimate(
        typical_ms=runtime_ms, low_ms=runtime_ms, high_ms=runtime_ms, basis=EstimateBasis.EXACT
    )


def estimate(samples_ms: Sequence[int], hint_ms: int | None) -> Estimate | None:
    """Return the median of at least three samples, else the hint."""
    if len(samples_ms) >= 3:
        ordered = sorted(samples_ms)
        return Estimate(
            typical_ms=ordered[len(ordered) // 2],
            low_ms=ordered[len(ordered) // 10],
            high_ms=ordered[(len(ordered) - 1) * 9 // 10],
            basis=EstimateBasis.HISTORY,
            samples=len(ordered),
        )
    if hint_ms is None:
        return None
    return Estimate(
        typical_ms=hint_ms, low_ms=hint_ms // 4, high_ms=hint_ms * 4, basis=EstimateBasis.HINT
    )
