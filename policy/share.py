"""How much a namespace used lately, and what share of the cluster that is.

Use fades: what was used one half-life ago counts half. Everything is integers in fixed point, so
that a replay on any machine comes to the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import isqrt

from policy.model.resources import Resources
from policy.model.tenant import Amounts, Usage

MILLION = 1_000_000

_STEPS = 64
_ONE = 1 << 40


def _table() -> tuple[int, ...]:
    """Return 2 to the power of minus i/64 for i from 0 to 64, in fixed point."""
    root = _ONE // 2
    for _ in range(_STEPS.bit_length() - 1):
        root = isqrt(root * _ONE)
    powers = [_ONE]
    for _ in range(_STEPS):
        powers.append(powers[-1] * root // _ONE)
    return tuple(powers)


_POWERS = _table()
# A half-life times this is what a constant use of one comes to in the end: 1 / ln 2.
_LIMIT_MILLIONTHS = 1_442_695


def accrue(usage: Usage, held: Amounts, now_ms: int, half_life_ms: int) -> Usage:
    """Return the usage after ``held`` was in use from ``usage.as_of_ms`` until ``now_ms``.

    A clock that went back changes nothing.
    """
    elapsed_ms = now_ms - usage.as_of_ms
    if elapsed_ms <= 0:
        return usage
    kept = _halved(elapsed_ms, half_life_ms)
    grown_ms = window_ms(half_life_ms) * (_ONE - kept) // _ONE
    amounts = {name: amount * kept // _ONE for name, amount in usage.amounts}
    for name, amount in held:
        amounts[name] = amounts.get(name, 0) + amount * grown_ms
    return Usage(as_of_ms=now_ms, amounts=_sorted(amounts))


def penalised(usage: Usage, core: Amounts, penalty_ms: int) -> Usage:
    """Return the usage with the entry penalty of one start: ``penalty_ms`` of its core at once."""
    amounts = dict(usage.amounts)
    for name, amount in core:
        amounts[name] = amounts.get(name, 0) + amount * penalty_ms
    return Usage(as_of_ms=usage.as_of_ms, amounts=_sorted(amounts))


def dominant_share(
    usage: Usage, capacity: Mapping[str, int], *, half_life_ms: int, weight: int
) -> int:
    """Return the largest share of any resource that the usage is, in millionths of the cluster.

    A namespace of weight 1 that has always used all of the cluster comes to a million.
    """
    window = window_ms(half_life_ms)
    shares = [
        amount * MILLION // (capacity[name] * window)
        for name, amount in usage.amounts
        if capacity.get(name, 0) > 0
    ]
    return max(shares, default=0) // max(1, weight)


def window_ms(half_life_ms: int) -> int:
    """Return how long a constant use takes to come to its limit if nothing faded."""
    return max(1, half_life_ms * _LIMIT_MILLIONTHS // MILLION)


def amounts_of(demand: Resources, count: int = 1) -> Amounts:
    """Return a vector as amounts by dimension, without what is zero."""
    found = [("cpu", demand.cpu_millis), ("memory", demand.memory_bytes), *demand.generic]
    return tuple(sorted((name, amount * count) for name, amount in found if amount * count))


def total(demands: Iterable[Resources]) -> dict[str, int]:
    """Return the sum of vectors by dimension, in order of their names, without what is zero."""
    cpu = memory = 0
    sums: dict[str, int] = {}
    for demand in demands:
        cpu += demand.cpu_millis
        memory += demand.memory_bytes
        for name, amount in demand.generic:
            sums[name] = sums.get(name, 0) + amount
    return dict(_sorted({"cpu": cpu, "memory": memory, **sums}))


def _halved(elapsed_ms: int, half_life_ms: int) -> int:
    """Return 2 to the power of -elapsed/half-life in fixed point, by table and interpolation."""
    whole, rest = divmod(elapsed_ms, max(1, half_life_ms))
    if whole > _ONE.bit_length():
        return 0
    step, between = divmod(rest * _STEPS, max(1, half_life_ms))
    low, high = _POWERS[step], _POWERS[step + 1]
    value = low - (low - high) * between // max(1, half_life_ms)
    return value >> whole


def _sorted(amounts: Mapping[str, int]) -> Amounts:
    return tuple(sorted((name, amount) for name, amount in amounts.items() if amount))
