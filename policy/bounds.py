"""How much could be taken on a node at most, by those of one tier: looked up, not tried out."""

from __future__ import annotations

from bisect import bisect_right

Tier = tuple[int, ...]


class Bounds:
    """The most CPU and memory that holders of lower tiers could give on a node.

    Only added to, never lowered while a decision takes shape: a bound is enough to see that
    asking is of no use.
    """

    def __init__(self) -> None:
        self._entries: list[tuple[Tier, int, int]] = []
        self._tiers: list[Tier] = []
        self._below: list[tuple[int, int]] = []
        self._is_sorted = True

    def add(self, tier: Tier, cpu: int, memory: int) -> None:
        """Note what somebody of a tier could give: millicores and bytes."""
        self._entries.append((tier, cpu, memory))
        self._is_sorted = False

    def most(self, tier: Tier | None) -> tuple[int, int]:
        """Return the most that one of ``tier`` could take from lower ones (None: from anybody)."""
        if not self._is_sorted:
            self._sort()
        start = 0 if tier is None else bisect_right(self._tiers, tier)
        return self._below[start]

    def _sort(self) -> None:
        self._entries.sort()
        self._tiers = [tier for tier, *_ in self._entries]
        below = [(0, 0)]
        for _, cpu, memory in reversed(self._entries):
            below.append((below[-1][0] + cpu, below[-1][1] + memory))
        self._below = below[::-1]
        self._is_sorted = True
