"""How large an execution is: the keys of the size-based policies (smaller goes first).

From the simulator of the Zoe paper, with its response ratio put the right way round (highest
first) and divided, not multiplied, by the size in two and three dimensions.
"""

from __future__ import annotations

from policy.model.execution import ApplicationType, Execution
from policy.settings import SizeRule

_RATIO = 1_000_000
_INTERACTIVE = 1000


def size(execution: Execution, rule: SizeRule, dimensions: int, now_ms: int) -> int:
    """Return the key that ``size-flexible`` sorts by. Interactive executions count a thousandth."""
    if rule is SizeRule.HRRN:
        waited = max(0, now_ms - execution.queued_ms)
        runtime = execution.runtime_ms(now_ms)
        ratio = (runtime + waited) * _RATIO * _RATIO // (runtime * _area(execution, dimensions))
        return -ratio * (_INTERACTIVE if _is_interactive(execution) else 1)
    time = (execution.runtime_ms if rule is SizeRule.SJF else execution.remaining_ms)(now_ms)
    key = time * _area(execution, dimensions)
    return key // _INTERACTIVE if _is_interactive(execution) else key


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
