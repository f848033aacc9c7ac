"""What policy may know about how long an application runs: everything, hints, or only the past."""

from __future__ import annotations

from collections import defaultdict, deque
from enum import StrEnum

from policy.estimate import NEWEST, estimate
from policy.model.execution import Estimate, EstimateBasis
from policy.simulator.application import Application

Key = tuple[str, str]
"""Whose runs teach about whom: namespace and stem."""


class Estimates(StrEnum):
    """Where estimates come from. ``user`` and ``none`` learn from runs that have ended."""

    EXACT = "exact"
    USER = "user"
    NONE = "none"


class Knowledge:
    """Estimates as policy would have them at each moment of a run."""

    def __init__(self, estimates: Estimates, *, learns: bool = True) -> None:
        self._estimates = estimates
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
        return estimate(tuple(samples), hint)

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
