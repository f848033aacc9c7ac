"""How far admitted executions grow beyond their core."""

from __future__ import annotations

from collections.abc import Sequence

from policy.model.execution import Allocation, Execution
from policy.place import Room, merge, place_elastic


def grow_in_order(
    executions: Sequence[tuple[Execution, tuple[Allocation, ...]]], room: Room
) -> list[tuple[Execution, tuple[Allocation, ...]]]:
    """Give each execution in turn all the elastic replicas that fit; the next gets what is left.

    Args:
        executions: With the groups that they hold or are about to hold, in the order of rank.
        room: What is free; charged with what is given.

    Returns:
        Those whose groups changed, with all their groups.
    """
    grown: list[tuple[Execution, tuple[Allocation, ...]]] = []
    for execution, groups in executions:
        added: list[Allocation] = []
        for component in execution.components:
            held = sum(group.count for group in groups if group.component == component.name)
            added.extend(place_elastic(execution, component, room, component.maximum - held))
        if added:
            grown.append((execution, merge([*groups, *added])))
    return grown
