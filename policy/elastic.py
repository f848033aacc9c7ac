"""How far admitted executions grow beyond their core."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from policy.model.execution import Allocation, Execution
from policy.place import Room, at_home, merge, place_elastic


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
        for component in _settled(execution, groups).components:
            held = sum(group.count for group in groups if group.component == component.name)
            added.extend(place_elastic(execution, component, room, component.maximum - held))
        if added:
            grown.append((execution, merge([*groups, *added])))
    return grown


def trim(execution: Execution) -> tuple[Allocation, ...]:
    """Return the groups cut down to each component's maximum (its range was lowered).

    The smallest groups go first, so that few nodes stay in use; ties go by node.
    """
    kept: list[Allocation] = []
    for component in execution.components:
        left = component.maximum
        groups = [group for group in execution.allocations if group.component == component.name]
        for group in sorted(groups, key=lambda g: (-g.count, g.node)):
            count = min(left, group.count)
            left -= count
            kept.append(replace(group, count=count))
    return merge(kept)


def _settled(execution: Execution, groups: Sequence[Allocation]) -> Execution:
    colocated = {component.name for component in execution.components if component.is_colocated}
    home = frozenset(group.node for group in groups if group.component in colocated)
    return at_home(execution, home) if home else execution
