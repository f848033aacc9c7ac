"""A guard, and how it is taken out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Guard:
    """``old`` stands in ``file`` exactly once; ``tests`` are arguments of pytest."""

    name: str
    file: str
    old: str
    new: str
    tests: str
