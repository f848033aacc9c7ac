"""How fast an execution gets on with the replicas that it holds.

The unit of speed is a thousandth of one replica of linear speed-up; the unit of work is that times
a millisecond. So everything stays an integer, and work done at any mixture of speeds adds up
exactly.
"""

from __future__ import annotations

from collections.abc import Mapping

from policy.model.execution import Execution


def speed(execution: Execution, held: Mapping[str, int]) -> int:
    """Return the speed with ``held`` replicas by component; 0 while part of the core is missing."""
    total = 0
    for component in execution.components:
        count = held.get(component.name, 0)
        if count < component.core:
            return 0
        total += component.speed(count)
    return total
