"""Chance, as it is handed in: ``random.Random(seed)`` is one. Nothing here draws by itself."""

from __future__ import annotations

from typing import Protocol


class Chance(Protocol):
    """The draws that workloads and intervals need."""

    def random(self) -> float:
        """Return a number from 0 to below 1."""
        ...

    def randrange(self, stop: int, /) -> int:
        """Return a whole number from 0 to below ``stop``."""
        ...

    def uniform(self, a: float, b: float, /) -> float:
        """Return a number between the two."""
        ...

    def lognormvariate(self, mu: float, sigma: float, /) -> float:
        """Return a number whose logarithm is normally distributed."""
        ...

    def expovariate(self, lambd: float, /) -> float:
        """Return an exponentially distributed number with mean 1/lambd."""
        ...
