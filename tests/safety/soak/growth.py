"""Lines through samples that a few wild ones don't bend. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from statistics import median

HOUR_S = 3600
_MOST = 400
"""Of more points, so many are taken, evenly: pairs grow with their square."""

Points = Sequence[tuple[float, float]]
"""Seconds and what was measured then."""


def per_hour(points: Points) -> float:
    """Return how much a quantity grows in an hour (Theil and Sen: the median of all slopes)."""
    taken = points[:: max(1, -(-len(points) // _MOST))]
    slopes = [(y - v) / (x - u) for (u, v), (x, y) in combinations(taken, 2) if x != u]
    return median(slopes) * HOUR_S if slopes else 0.0


def later_half(points: Points) -> Points:
    """Return what was measured in the second half of the time: the first is for warming up."""
    if not points:
        return points
    begins = (points[0][0] + points[-1][0]) / 2
    return [point for point in points if point[0] >= begins]
