"""What a node of the fake does with a task that it was given: prepare, start, run, stop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from reconciler.cluster.fake.agenda import Agenda
from reconciler.cluster.fake.script import Timings
from reconciler.cluster.fake.state import FakeTask
from reconciler.converge.state import TaskState

_KILLED = 128 + 15  # containers run under an init that passes SIGTERM on


class Reports(Protocol):
    """Whom a node tells."""

    def running(self, task: FakeTask) -> None:
        """Hear that a task runs (and is healthy)."""

    def ended(
        self, task: FakeTask, state: TaskState, *, code: int | None = None, error: str = ""
    ) -> None:
        """Hear that a task is over."""


class Agent:
    """The agents of all nodes. ``missing_images`` are on none of them."""

    def __init__(self, agenda: Agenda, timings: Timings, manager: Reports) -> None:
        self.missing_images: set[str] = set()
        self._agenda = agenda
        self._timings = timings
        self._manager = manager

    def accept(self, task: FakeTask) -> None:
        """Prepare a task that was assigned to a node; start it if it is to run already."""
        self._later(task, self._timings.prepare, self._prepared)

    def start(self, task: FakeTask) -> None:
        """Start a prepared task."""
        task.set(self._agenda.now_ms, state=TaskState.STARTING)
        self._later(task, self._timings.start + self._linger_ms(task), self._started)

    def stop(self, task: FakeTask) -> None:
        """Stop a task, however far it is."""
        self._later(task, self._timings.stop, self._stopped)

    def _later(self, task: FakeTask, ms: int, action: Callable[[FakeTask], None]) -> None:
        """Do something later, if task and node still live the same life then."""
        node = task.node
        task.steps += 1
        steps, boots = task.steps, node.boots if node else 0

        def act() -> None:
            if task.steps == steps and node is not None and node.is_up and node.boots == boots:
                action(task)

        self._agenda.after(ms, act)

    def _prepared(self, task: FakeTask) -> None:
        refusal = self._refusal(task)
        if refusal:
            self._manager.ended(task, TaskState.REJECTED, error=refusal)
            return
        task.set(self._agenda.now_ms, state=TaskState.READY)
        if task.desired is TaskState.RUNNING:
            self.start(task)

    def _refusal(self, task: FakeTask) -> str:
        """Return the engine's words for a container that it can't make."""
        if task.spec.image in self.missing_images:
            return f"No such image: {task.spec.image}"
        cpus = task.node.seen.capacity.cpu_millis // 1000 if task.node else 0
        if task.spec.limits.cpu_millis > cpus * 1000:
            return (
                f"Range of CPUs is from 0.01 to {cpus}.00, as there are only {cpus} CPUs available"
            )
        return task.outcome.refusal

    def _linger_ms(self, task: FakeTask) -> int:
        """Return how long the dead network of the same name is still in a task's way."""
        node = task.node
        until = [node.lingering.get(item.network, 0) for item in task.spec.networks] if node else []
        return max(0, max(until, default=0) - self._agenda.now_ms)

    def _started(self, task: FakeTask) -> None:
        task.log = task.outcome.log
        probe, healthy_after_ms = task.spec.health, task.outcome.healthy_after_ms
        if probe is None or healthy_after_ms == 0:
            self._running(task)
        elif healthy_after_ms is None:
            patience_ms = probe.start_period_ms + probe.interval_ms * max(1, probe.retries)
            self._later(task, patience_ms, self._unhealthy)
        else:
            self._later(task, healthy_after_ms, self._running)

    def _unhealthy(self, task: FakeTask) -> None:
        error = f"task: non-zero exit ({_KILLED}): dockerexec: unhealthy container"
        self._manager.ended(task, TaskState.FAILED, code=_KILLED, error=error)

    def _running(self, task: FakeTask) -> None:
        task.set(self._agenda.now_ms, state=TaskState.RUNNING)
        if task.outcome.runs_ms is not None:
            self._later(task, task.outcome.runs_ms, self._exited)
        self._manager.running(task)

    def _exited(self, task: FakeTask) -> None:
        code = task.outcome.exit_code
        if code == 0:
            self._manager.ended(task, TaskState.COMPLETE, code=0)
        else:
            error = f"task: non-zero exit ({code})"
            self._manager.ended(task, TaskState.FAILED, code=code, error=error)

    def _stopped(self, task: FakeTask) -> None:
        self._manager.ended(task, TaskState.SHUTDOWN, code=_KILLED)
