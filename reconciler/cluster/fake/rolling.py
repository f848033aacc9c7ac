"""Rolling updates of the fake: one slot at a time, the old task first, paused by a failure."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Protocol

from reconciler.cluster.fake.agenda import Agenda
from reconciler.cluster.fake.state import FakeService, FakeTask
from reconciler.converge.state import TaskState

WANTED = frozenset({TaskState.READY, TaskState.RUNNING})


class Tasks(Protocol):
    """What an update does to tasks."""

    def make_task(
        self, service: FakeService, slot: int, desired: TaskState = TaskState.RUNNING
    ) -> FakeTask:
        """Make a slot's next task."""

    def stop_task(self, task: FakeTask, desired: TaskState) -> None:
        """Stop a task."""

    def release(self, task: FakeTask) -> None:
        """Let a task run that was made in advance."""


class RollingUpdates:
    """The updates of all services. ``monitor_ms`` is how long a failure after it still counts.

    How an update goes is written into the service: its version rises, and ``on_event`` hears it.
    """

    def __init__(
        self, agenda: Agenda, monitor_ms: int, tasks: Tasks, on_event: Callable[[], None]
    ) -> None:
        self._agenda = agenda
        self._monitor_ms = monitor_ms
        self._tasks = tasks
        self._on_event = on_event

    def begin(self, service: FakeService) -> None:
        """Replace the tasks of a service whose spec changed, those that completed too."""
        service.updates += 1
        self._note(service, "updating")
        service.to_update = deque(sorted(service.slots))
        self._next(service)

    def running(self, task: FakeTask) -> None:
        """Go on to the next slot once the new task runs."""
        if task.service.updating is task and task.service.update_state == "updating":
            self._next(task.service)

    def failed(self, task: FakeTask) -> None:
        """Pause if one of the new tasks ended; any end counts as a failure, exit 0 too."""
        service = task.service
        if service.update_state == "updating" and task.update == service.updates:
            self._note(service, "paused")
            service.to_update.clear()

    def stopped(self, service: FakeService) -> None:
        """Let the new task run if nothing of its slot does any more."""
        new = service.updating
        if new is None or new.slot not in service.slots:
            return
        others = [task for task in service.slots[new.slot] if task is not new]
        if all(task.has_ended or not _is_reachable(task) for task in others):
            self._tasks.release(new)

    def _next(self, service: FakeService) -> None:
        service.updating = None
        while service.to_update and service.to_update[0] not in service.slots:
            service.to_update.popleft()  # scaled away meanwhile
        if not service.to_update:
            updates = service.updates
            self._agenda.after(self._monitor_ms, lambda: self._complete(service, updates))
            return
        slot = service.to_update.popleft()
        old = [task for task in service.slots[slot] if task.desired in WANTED]
        service.updating = self._tasks.make_task(service, slot, TaskState.READY)
        for task in old:
            self._tasks.stop_task(task, TaskState.SHUTDOWN)
        self.stopped(service)

    def _complete(self, service: FakeService, updates: int) -> None:
        if service.updates == updates and service.update_state == "updating":
            self._note(service, "completed")

    def _note(self, service: FakeService, state: str) -> None:
        service.update_state = state
        service.version += 1
        self._on_event()


def _is_reachable(task: FakeTask) -> bool:
    return task.node is None or task.node.is_up
