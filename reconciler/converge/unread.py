"""What is to be removed with its result unread: its attempt ended while nobody saw it.

A manager that was cut off for a moment answers with what was. An execution that is deleted by such
a reading, without a service that was made since, ends with nothing to store; it is found later.
"""

from __future__ import annotations

from collections.abc import Collection

from policy.model.execution import Uid
from reconciler.converge.plan import Plan, RemoveService
from reconciler.converge.tasks import Group, is_live
from reconciler.converge.world import Memory


def unread(
    plan: Plan,
    groups: Collection[tuple[Uid, Group]],
    memory: Memory,
    *,
    read: Collection[tuple[Uid, Group]],
) -> tuple[tuple[Uid, Group], ...]:
    """Return the groups whose tasks have ended, that go, and of which nothing was stored yet.

    Args:
        plan: What is to be done.
        groups: All that is there, with whose it is.
        memory: What is known of executions.
        read: What is stored in this pass.
    """
    going = {action.id for action in plan.actions if isinstance(action, RemoveService)}
    stored = {group.service.id for _, group in read}
    return tuple(
        (uid, group)
        for uid, group in groups
        if group.service.id in going - stored
        and group.tasks
        and not any(is_live(task) for task in group.tasks)
        and (uid, group.attempt, group.component, group.node_name) not in memory.harvested
    )
