"""How large an execution is: the keys of the size-based policies (smaller goes first).

From the simulator of the Zoe paper, with its response ratio put the right way round (highest
first) and divided, not multiplied, by the size in two and three dimensions.
"""

from __future__ import annotations

from policy.model.execution import ApplicationType, Execution
from policy.progress import full_speed
from policy.settings import HOUR_MS, SizeRule

UNKNOWN_RUNTIME_MS = HOUR_MS
"""The runtime of an execution of which nothing is known."""

_RATIO = 1_000_000
_INTERACTIVE = 1000


def attained_ms(execution: Execution) -> int:
    """Return how long it would have run so far with everything granted."""
    speed = full_speed(execution)
    return execution.work // speed if execution.work and speed else 0


def runtime_ms(execution: Execution) -> int:
    """Return how long it takes from start to end with everything granted, as far as is known.

    One that has already run for longer than it was said to is taken to be half-way.
    """
    estimate = execution.estimate
    expected = estimate.typical_ms if estimate else UNKNOWN_RUNTIME_MS
    done = attained_ms(execution)
    return max(1, expected if done < expected else 2 * done)


def remaining_ms(execution: Execution) -> int:
    """Return how much of that is left."""
    return max(1, runtime_ms(execution) - attained_ms(execution))


def size(execution: Execution, rule: SizeRule, dimensions: int, now_ms: int) -> int:
    """Return the key that ``size-flexible`` sorts by. Interactive executions count a thousandth."""
    if rule is SizeRule.HRRN:
        waited = max(0, now_ms - execution.queued_ms)
        runtime = runtime_ms(execution)
        ratio = (runtime + waited) * _RATIO * _RATIO // (runtime * _area(execution, dimensions))
        return -ratio * (_INTERACTIVE if _is_interactive(execution) else 1)
    time = runtime_ms(execution) if rule is SizeRule.SJF else remaining_ms(execution)
    key = time * _area(execution, dimensions)
    return key // _INTERACTIVE if _is_interactive(execution) else key


def bucket(execution: Execution) -> int:
    """Return the coarse size that ``fair`` goes by: a power of two of what is left to do.

    In seconds with everything granted, times replicas. Where nothing is known: of what was done so
    far (least attained service first).
    """
    if not execution.work:  # most of those who wait: nothing to work out
        known = execution.estimate.typical_ms if execution.estimate else 0
    else:
        known = attained_ms(execution) if execution.estimate is None else remaining_ms(execution)
    return (known * execution.replicas // 1000).bit_length()


def _area(execution: Execution, dimensions: int) -> int:
    """Return what the time is multiplied by: nothing, replicas, or replicas x CPU x memory."""
    if dimensions == 1:
        return 1
    if dimensions == 2:
        return execution.replicas
    full = execution.full_demand
    volume = max(1, full.cpu_millis) * max(1, full.memory_bytes)
    return max(1, volume // max(1, execution.replicas))


def _is_interactive(execution: Execution) -> bool:
    return execution.type is ApplicationType.INTERACTIVE
