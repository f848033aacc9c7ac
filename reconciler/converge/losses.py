"""Is a node that the manager calls down lost, or has the manager itself been away?

A manager that was restarted, frozen or cut off comes back knowing of nobody, and calls nodes down
that haven't found it again in time, while their containers run on. What ran there is written off
only where a manager in good health has lost a node, or where it stays lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from policy.model.execution import NodeId
from reconciler.converge.state import ObservedNode, ObservedState, ObservedTask, TaskState

# Workers look for a manager again every eight seconds at most; a slow one needs a few tries.
SETTLING = timedelta(seconds=30)
# Whoever reads only now and then, as `zoe once` does, can't watch a node for so long.
LONG_DOWN = timedelta(minutes=5)
_OVER = frozenset({TaskState.COMPLETE, TaskState.FAILED, TaskState.SHUTDOWN, TaskState.REJECTED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """What one process has seen of nodes since it last lost sight of the manager.

    ``seen_up`` are those that this manager has heard from, up or lost since; ``down_since`` is
    when each was first seen down. ``cut_off`` are tasks that the Swarm ordered to stop only
    because their node was away; they outlast a break.
    """

    number: int | None = None
    seen_up: frozenset[NodeId] = frozenset()
    down_since: Mapping[NodeId, datetime] = field(default_factory=dict)
    cut_off: frozenset[str] = frozenset()

    def broken(self) -> Watch:
        """Return what is left when the manager couldn't be read."""
        return Watch(cut_off=self.cut_off)


def look(watch: Watch, observed: ObservedState) -> tuple[Watch, ObservedState]:
    """Return what is known after a reading, and the reading with its doubts marked.

    A node is lost at once if the manager had heard from it in this unbroken watch; else when it
    was seen down for ``SETTLING`` in it, or the manager says that it is for ``LONG_DOWN``. Until
    then it ``is_awaited``. A task that comes to its end after it was cut off ``is_cut_off``.
    """
    if observed.watch is None or observed.watch != watch.number:
        watch = watch.broken()
    down_since = {
        node.id: watch.down_since.get(node.id, observed.taken_at)
        for node in observed.nodes
        if not node.is_ready
    }
    awaited = {
        node.id
        for node in observed.nodes
        if not (node.is_ready or _is_lost(node, watch, down_since[node.id], observed.taken_at))
    }
    seen_up = {n.id for n in observed.nodes if n.is_heard and (n.is_ready or n.id in watch.seen_up)}
    away = {node.id for node in observed.nodes if not node.is_ready}
    there = {task.id for task in observed.tasks}
    cut = watch.cut_off & there
    cut |= {task.id for task in observed.tasks if task.node in away and _is_being_stopped(task)}
    now = Watch(
        number=observed.watch,
        seen_up=frozenset(seen_up),
        down_since=down_since,
        cut_off=frozenset(cut),
    )
    return now, _marked(observed, awaited, now.cut_off)


def _is_lost(node: ObservedNode, watch: Watch, down_since: datetime, now: datetime) -> bool:
    is_vouched = node.is_heard and node.id in watch.seen_up
    return is_vouched or now - down_since >= SETTLING or now - node.updated_at >= LONG_DOWN


def _is_being_stopped(task: ObservedTask) -> bool:
    return task.desired_state is TaskState.SHUTDOWN and task.state not in _OVER


def _marked(
    observed: ObservedState, awaited: set[NodeId], cut_off: frozenset[str]
) -> ObservedState:
    if not (awaited or cut_off):
        return observed
    return replace(
        observed,
        nodes=tuple(
            replace(node, is_awaited=True) if node.id in awaited else node
            for node in observed.nodes
        ),
        tasks=tuple(
            replace(task, is_cut_off=True) if task.id in cut_off else task
            for task in observed.tasks
        ),
    )
