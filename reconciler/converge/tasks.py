"""What the tasks of a group say: up, done, failed and why, or lost with their node."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import is_

from policy.model.execution import NodeId, Uid
from reconciler.converge.ledger import EndReason
from reconciler.converge.state import (
    LABEL_ATTEMPT,
    LABEL_COMPONENT,
    LABEL_KIND,
    LABEL_UID,
    ObservedNode,
    ObservedService,
    ObservedState,
    ObservedTask,
    TaskState,
)

TERMINAL = frozenset(
    {
        TaskState.COMPLETE,
        TaskState.SHUTDOWN,
        TaskState.FAILED,
        TaskState.REJECTED,
        TaskState.REMOVE,
        TaskState.ORPHANED,
    }
)
_OUTWARD = frozenset({TaskState.SHUTDOWN, TaskState.REMOVE})
_WANTED = frozenset({TaskState.NEW, TaskState.READY, TaskState.RUNNING, TaskState.COMPLETE})
# How the engine words an image that it can't get. Matched on its text, since it sends no code.
_IMAGE_TEXTS = ("no such image", "pull access denied", "manifest unknown", "manifest for")
# Of a number in a label: somebody may have written there what no database takes.
_MOST_DIGITS = 9
# How it words that a container was made and couldn't be started.
_NOT_STARTED = "starting container failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a group can't go on."""

    reason: EndReason
    message: str
    code: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A service of ours with its tasks, oldest first, and its node as it is now."""

    service: ObservedService
    tasks: tuple[ObservedTask, ...]
    node: ObservedNode | None
    shares_hostname: bool = False
    """Whether another node is called the same, as copies of one machine are."""

    @property
    def component(self) -> str:
        """The component that this group is part of."""
        return self.service.spec.labels.get(LABEL_COMPONENT, "")

    @property
    def attempt(self) -> int:
        """The attempt that this group was started for; 0 where its label says none."""
        label = self.service.spec.labels.get(LABEL_ATTEMPT, "")
        return int(label) if label.isdecimal() and len(label) <= _MOST_DIGITS else 0

    @property
    def node_name(self) -> str:
        """What people call its node, and no other; its id where that is all that is known."""
        if self.node is None:
            return str(self.service.spec.node)
        name = self.node.hostname
        return f"{name}-{self.node.id[:12]}" if self.shares_hostname else name

    @property
    def is_node_lost(self) -> bool:
        """Whether the group's node is gone, or down for good."""
        return self.node is None or self.node.is_lost

    @property
    def is_stranded(self) -> bool:
        """Whether its node is lost, or is drained and what ran there was stopped.

        What has completed there is done, whatever becomes of the node.
        """
        if 0 < self.service.spec.replicas <= self.complete:
            return False
        if self.node is None or not self.node.is_ready:
            return self.is_node_lost
        return not (self.node.is_active or self.running or self.complete)

    @property
    def running(self) -> int:
        """How many replicas are up (with a health check: healthy)."""
        if self.node is None or not self.node.is_ready:
            return 0
        return sum(
            task.state is TaskState.RUNNING and task.desired_state in _WANTED for task in self.tasks
        )

    @property
    def complete(self) -> int:
        """How many slots ended with exit code 0."""
        return sum(task.state is TaskState.COMPLETE for task in self.latest)

    @property
    def restarts(self) -> int:
        """How many tasks of the group failed, as far as the engine remembers (five a slot)."""
        return sum(task.state in (TaskState.FAILED, TaskState.REJECTED) for task in self.tasks)

    @property
    def latest(self) -> tuple[ObservedTask, ...]:
        """The newest task of every slot."""
        newest: dict[int, ObservedTask] = {}
        for task in self.tasks:
            newest[task.slot] = task
        return tuple(newest.values())

    def pending_error(self) -> str:
        """Return what Swarm says of a task that it can't start; "" if it says nothing."""
        return next((t.error for t in self.latest if t.state not in TERMINAL and t.error), "")

    def failure(self, *, runs_once: bool) -> Failure | None:
        """Return why the group can't go on, or None while it can.

        A group that runs once fails with its first bad exit; the others when Swarm has given up
        restarting them, or when it tries an image that isn't there.
        """
        for task in self.latest:
            if (found := self._task_failure(task, runs_once=runs_once)) is not None:
                return found
        return None

    def _task_failure(self, task: ObservedTask, *, runs_once: bool) -> Failure | None:
        if self._is_image_missing():
            return Failure(reason=EndReason.IMAGE_UNAVAILABLE, message=self._image_error())
        has_given_up = runs_once or task.desired_state not in (TaskState.READY, TaskState.RUNNING)
        if not has_given_up:
            return None
        if task.state is TaskState.REJECTED:
            if _is_about_image(task.error) and not self._names_current_image(task.error):
                return None
            return Failure(reason=EndReason.REJECTED, message=task.error)
        if runs_once and task.state is task.desired_state is TaskState.SHUTDOWN:
            # Nobody of ours stops a part of what runs once; a drained node has been told of.
            message = "stopped by the Swarm when its node was away"
            return Failure(reason=EndReason.NODE_LOST, message=message)
        if task.state is TaskState.FAILED:
            if runs_once and (self.is_node_lost or task.is_cut_off):
                return Failure(reason=EndReason.NODE_LOST, message=task.error)
            if runs_once and task.error.startswith(_NOT_STARTED):
                # Nothing of it has run; a busy engine says so, too, and the next try starts.
                return Failure(reason=EndReason.REJECTED, message=task.error)
            reason = EndReason.NON_ZERO_EXIT if runs_once else EndReason.CRASH_LOOP
            return Failure(reason=reason, message=task.error, code=task.exit_code)
        return None

    def _is_image_missing(self) -> bool:
        return bool(self._image_error())

    def _image_error(self) -> str:
        newest = self.tasks[-1] if self.tasks else None
        rejected = [t for t in self.tasks if t.state is TaskState.REJECTED]
        if newest is None or not rejected or newest.state is TaskState.RUNNING:
            return ""
        text = rejected[-1].error
        return text if _is_about_image(text) and self._names_current_image(text) else ""

    def _names_current_image(self, text: str) -> bool:
        """Tell a rejection of the image from one that is left from before an update."""
        return self.service.spec.image.partition("@")[0] in text


def _is_about_image(text: str) -> bool:
    return any(known in text.lower() for known in _IMAGE_TEXTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grouped:
    """Our services with their tasks: by name, and by execution in the order of their names."""

    by_name: Mapping[str, Group]
    by_uid: Mapping[Uid, tuple[Group, ...]]
    nodes: Mapping[NodeId, ObservedNode]
    observed: ObservedState

    def is_of(self, observed: ObservedState) -> bool:
        """Tell whether another reading shows the very same."""
        mine = self.observed
        return (
            _are_same(mine.services, observed.services)
            and _are_same(mine.tasks, observed.tasks)
            and mine.nodes == observed.nodes
        )


def grouped(observed: ObservedState, last: Grouped | None = None) -> Grouped:
    """Return our services with their tasks; what is as in the ``last`` reading is taken from it."""
    if last is not None and last.is_of(observed):
        return last
    tasks: dict[str, list[ObservedTask]] = defaultdict(list)
    for task in observed.tasks:
        tasks[task.service_id].append(task)
    there = last.nodes if last is not None else {}
    nodes = {n.id: was if (was := there.get(n.id)) == n else n for n in observed.nodes}
    called = Counter(node.hostname for node in nodes.values())
    twins = frozenset(id_ for id_, node in nodes.items() if called[node.hostname] > 1)
    before = last.by_name if last is not None else {}
    by_name: dict[str, Group] = {}
    members: dict[Uid, list[Group]] = defaultdict(list)
    for service in sorted(observed.services, key=lambda s: s.spec.name):
        name, mine = service.spec.name, tasks.get(service.id, [])
        if len(mine) > 1:
            mine.sort(key=lambda t: (t.created_at, t.id))
        old = before.get(name)
        is_twin = service.spec.node in twins
        if old is not None and _is_as_it_was(old, service, mine, nodes, is_twin=is_twin):
            group = old
        else:
            group = group_of(service, mine, nodes, is_twin=is_twin)
        by_name[name] = group
        if uid := service.spec.labels.get(LABEL_UID):
            members[Uid(uid)].append(group)
    mates = last.by_uid if last is not None else {}
    by_uid = {
        uid: same if _are_same(same := mates.get(uid, ()), groups) else tuple(groups)
        for uid, groups in members.items()
    }
    return Grouped(by_name=by_name, by_uid=by_uid, nodes=nodes, observed=observed)


def _is_as_it_was(
    old: Group,
    service: ObservedService,
    tasks: Sequence[ObservedTask],
    nodes: Mapping[NodeId, ObservedNode],
    *,
    is_twin: bool,
) -> bool:
    return (
        old.service is service
        and old.node is nodes.get(service.spec.node)
        and old.shares_hostname is is_twin
        and _are_same(old.tasks, tasks)
    )


def _are_same(some: Sequence[object], others: Sequence[object]) -> bool:
    return len(some) == len(others) and all(map(is_, some, others))


def groups_by_uid(observed: ObservedState) -> Mapping[Uid, tuple[Group, ...]]:
    """Return our services with their tasks, by execution; a service without uid is left out."""
    return grouped(observed).by_uid


def tasks_of_kind(
    observed: ObservedState, kind: str
) -> list[tuple[ObservedService, list[ObservedTask]]]:
    """Return our services of a kind that is for several executions, with their tasks."""
    services = [s for s in observed.services if s.spec.labels.get(LABEL_KIND) == kind]
    tasks: dict[str, list[ObservedTask]] = {service.id: [] for service in services}
    for task in observed.tasks if services else ():
        if task.service_id in tasks:
            tasks[task.service_id].append(task)
    for found in tasks.values():
        found.sort(key=lambda t: (t.created_at, t.id))
    return [(service, tasks[service.id]) for service in services]


def group_of(
    service: ObservedService,
    tasks: Iterable[ObservedTask],
    nodes: Mapping[NodeId, ObservedNode],
    *,
    is_twin: bool = False,
) -> Group:
    """Return a service with its tasks (oldest first) and the node that it is pinned to."""
    node = nodes.get(service.spec.node)
    return Group(service=service, tasks=tuple(tasks), node=node, shares_hostname=is_twin)


def is_live(task: ObservedTask) -> bool:
    """Tell whether a task still holds what it reserved."""
    return task.node is not None and task.state not in TERMINAL


def is_leaving(task: ObservedTask) -> bool:
    """Tell whether a task was told to go and still holds what it reserved."""
    return is_live(task) and task.desired_state in _OUTWARD
