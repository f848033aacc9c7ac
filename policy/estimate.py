"""How long an execution will run, from how long others like it ran and from its author's hint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from policy.model.execution import Estimate, EstimateBasis
from policy.settings import HOUR_MS, MINUTE_MS

HINTS_MS: Mapping[str, int] = {
    "S": 10 * MINUTE_MS,
    "M": HOUR_MS,
    "L": 6 * HOUR_MS,
    "XL": 24 * HOUR_MS,
}
"""What the sizes of a manifest stand for: the middle of what authors mean by them."""

NEWEST = 50
ENOUGH = 3
_SPREAD = 4


def estimate(samples_ms: Sequence[int], hint_ms: int | None) -> Estimate | None:
    """Return what is to be expected of the next run; None where nothing is known.

    From three samples on the hint no longer counts: people guess, and guess badly. Fewer are
    mixed with it, in an interval that admits how little is known.

    Args:
        samples_ms: Full-rate runtimes of earlier runs, the newest last.
        hint_ms: What the author's size stands for.
    """
    newest = sorted(samples_ms[-NEWEST:])
    if len(newest) >= ENOUGH:
        return Estimate(
            typical_ms=_quantile(newest, 50),
            low_ms=_quantile(newest, 10),
            high_ms=_quantile(newest, 90),
            basis=EstimateBasis.HISTORY,
            samples=len(newest),
        )
    known = sorted([*newest, *([] if hint_ms is None else [hint_ms])])
    if not known:
        return None
    typical = _quantile(known, 50)
    return Estimate(
        typical_ms=typical,
        low_ms=min(typical // _SPREAD, known[0]),
        high_ms=max(typical * _SPREAD, known[-1]),
        basis=EstimateBasis.HISTORY if hint_ms is None else EstimateBasis.HINT,
        samples=len(newest),
    )


def _quantile(ordered: Sequence[int], percent: int) -> int:
    """Return the nearest-rank quantile: always one of the samples."""
    rank = -(-len(ordered) * percent // 100)
    return ordered[max(1, rank) - 1]
