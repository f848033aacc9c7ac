"""The life of the fake's tasks: scheduling, running, ending, restarts, updates, lost nodes.

What it copies was measured on a real Swarm; ``tests/contract`` holds both to it. Time comes from
an agenda only.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from policy.model.execution import NodeId
from policy.model.resources import NOTHING
from reconciler.cluster.fake_room import FakeNode, choose, explain
from reconciler.cluster.fake_script import Outcome, Script, Timings
from reconciler.cluster.virtual import Agenda, from_ms
from reconciler.converge.state import (
    LABEL_COMPONENT,
    LABEL_UID,
    ObservedNode,
    ObservedPort,
    ObservedTask,
    RestartCondition,
    ServiceSpec,
    TaskState,
)

HISTORY_PER_SLOT = 5
_KILLED = 128 + 15  # containers run under an init that passes SIGTERM on
_LOST = 255
_ALIVE = frozenset(
    {
        TaskState.ASSIGNED,
        TaskState.ACCEPTED,
        TaskState.PREPARING,
        TaskState.READY,
        TaskState.STARTING,
        TaskState.RUNNING,
    }
)
_NOT_ENDED = _ALIVE | {TaskState.NEW, TaskState.ALLOCATED, TaskState.PENDING}
_WANTED = frozenset({TaskState.READY, TaskState.RUNNING})


@dataclass(slots=True, kw_only=True, eq=False)
class FakeTask:
    """A task. ``began`` counts the steps of its life: a step that was overtaken does nothing."""

    id: str
    service: FakeService
    slot: int
    spec: ServiceSpec
    desired: TaskState
    created_ms: int
    updated_ms: int
    state: TaskState = TaskState.PENDING
    node: FakeNode | None = None
    error: str = ""
    exit_code: int | None = None
    ports: tuple[tuple[int, str], ...] = ()
    log: str = ""
    outcome: Outcome = field(default_factory=Outcome)
    update: int = 0
    steps: int = 0
    seen: ObservedTask | None = None

    @property
    def has_ended(self) -> bool:
        """Whether it holds nothing any more."""
        return self.state not in _NOT_ENDED


@dataclass(slots=True, kw_only=True, eq=False)
class FakeService:
    """A service, its slots with their tasks (oldest first), and the update under way."""

    id: str
    spec: ServiceSpec
    version: int
    created_ms: int
    slots: dict[int, list[FakeTask]] = field(default_factory=dict)
    restarts_ms: dict[int, list[int]] = field(default_factory=dict)
    update_state: str = ""
    to_update: deque[int] = field(default_factory=deque)
    updating: FakeTask | None = None
    updates: int = 0
    is_removed: bool = False


class TaskEngine:
    """All nodes, services and tasks. Its methods are what the manager of a Swarm does."""

    def __init__(
        self, agenda: Agenda, script: Script, timings: Timings, on_event: Callable[[], None]
    ) -> None:
        self.nodes: dict[NodeId, FakeNode] = {}
        self.tasks: dict[str, FakeTask] = {}
        self.missing_images: set[str] = set()
        self._agenda = agenda
        self._script = script
        self._timings = timings
        self._on_event = on_event
        self._pending: dict[str, FakeTask] = {}
        self._is_round_due = False
        self._made = 0

    def add_service(self, service: FakeService) -> None:
        """Make the tasks of a new service."""
        self._set_replicas(service)

    def update_service(self, service: FakeService, spec: ServiceSpec) -> None:
        """Scale; replace tasks one by one if anything but labels and replicas changed."""
        is_changed = spec.applied_hash != service.spec.applied_hash
        service.spec = spec
        self._set_replicas(service)
        if is_changed:
            service.updates += 1
            service.update_state = "updating"
            service.to_update = deque(sorted(service.slots))
            self._update_next(service)

    def remove_service(self, service: FakeService) -> None:
        """Let all tasks go; they are listed until their containers have stopped."""
        service.is_removed = True
        for slot in list(service.slots):
            self._drop_slot(service, slot)

    def observed(self) -> tuple[ObservedTask, ...]:
        """Return all tasks as they are listed."""
        return tuple(_observed(task) for task in self.tasks.values())

    def add_node(self, node: ObservedNode) -> None:
        """Let a node join, or replace what is listed of one."""
        known = self.nodes.get(node.id)
        if known is None:
            self.nodes[node.id] = FakeNode(seen=node, is_up=node.is_ready)
        else:
            known.seen = node
        self._node_changed()

    def kill_node(self, node: FakeNode) -> None:
        """Cut a node's power. The manager notices later."""
        node.is_up = False
        node.boots += 1
        boots = node.boots
        self._agenda.after(
            self._timings.detect_loss,
            lambda: self._notice_loss(node) if node.boots == boots else None,
        )

    def start_node(self, node: FakeNode) -> None:
        """Give a node its power back: what ran on it has failed."""
        node.is_up = True
        node.boots += 1
        boots = node.boots
        self._agenda.after(
            self._timings.rejoin, lambda: self._rejoin(node) if node.boots == boots else None
        )

    def set_active(self, node: FakeNode, *, is_active: bool) -> None:
        """Drain a node, or take it back into service."""
        node.seen = replace(node.seen, is_active=is_active, updated_at=from_ms(self._agenda.now_ms))
        if not is_active:
            self._clear(node)
        self._node_changed()

    # Slots and tasks

    def _set_replicas(self, service: FakeService) -> None:
        wanted = service.spec.replicas
        # The highest go first, those that have ended before those that run.
        leaving = sorted(service.slots, key=lambda slot: (_is_running(service, slot), -slot))
        for slot in leaving[: max(0, len(service.slots) - wanted)]:
            self._drop_slot(service, slot)
        slot = 0
        while len(service.slots) < wanted:
            slot += 1
            if slot not in service.slots:
                service.slots[slot] = []
                self._make_task(service, slot)

    def _drop_slot(self, service: FakeService, slot: int) -> None:
        for task in service.slots.pop(slot):
            self._stop(task, TaskState.REMOVE)
        service.restarts_ms.pop(slot, None)

    def _make_task(
        self, service: FakeService, slot: int, desired: TaskState = TaskState.RUNNING
    ) -> FakeTask:
        self._made += 1
        now_ms = self._agenda.now_ms
        task = FakeTask(
            id=f"task{self._made:08d}",
            service=service,
            slot=slot,
            spec=service.spec,
            desired=desired,
            created_ms=now_ms,
            updated_ms=now_ms,
            update=service.updates,
        )
        history = service.slots[slot]
        while len(history) >= HISTORY_PER_SLOT:
            self.tasks.pop(history.pop(0).id, None)
        history.append(task)
        self.tasks[task.id] = self._pending[task.id] = task
        self._want_round()
        return task

    # Scheduling

    def _want_round(self) -> None:
        if self._pending and not self._is_round_due:
            self._is_round_due = True
            self._agenda.after(self._timings.schedule, self._round)

    def _round(self) -> None:
        self._is_round_due = False
        for task in list(self._pending.values()):
            node = choose(self.nodes, task.spec)
            if node is None:
                self._set(task, error=explain(self.nodes.values(), task.spec))
                continue
            del self._pending[task.id]
            task.node, task.ports = node, node.take(task.spec)
            task.outcome = self._script.next(_keys(task.spec))
            self._set(task, state=TaskState.ASSIGNED)
            self._step(task, self._timings.prepare, self._prepared)

    def _step(self, task: FakeTask, ms: int, action: Callable[[FakeTask], None]) -> None:
        """Let the task's node do something later, if both still live the same life then."""
        node = task.node
        task.steps += 1
        steps, boots = task.steps, node.boots if node else 0

        def act() -> None:
            if task.steps == steps and node is not None and node.is_up and node.boots == boots:
                action(task)

        self._agenda.after(ms, act)

    # On the node

    def _prepared(self, task: FakeTask) -> None:
        refusal = _refusal(task)
        if task.spec.image in self.missing_images:
            refusal = f"No such image: {task.spec.image}"
        if refusal:
            self._end(task, TaskState.REJECTED, error=refusal)
            return
        self._set(task, state=TaskState.READY)
        if task.desired is TaskState.RUNNING:
            self._start(task)

    def _start(self, task: FakeTask) -> None:
        self._set(task, state=TaskState.STARTING)
        self._step(task, self._timings.start + self._linger_ms(task), self._started)

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
            self._step(task, patience_ms, self._unhealthy)
        else:
            self._step(task, healthy_after_ms, self._running)

    def _unhealthy(self, task: FakeTask) -> None:
        error = f"task: non-zero exit ({_KILLED}): dockerexec: unhealthy container"
        self._end(task, TaskState.FAILED, code=_KILLED, error=error)

    def _running(self, task: FakeTask) -> None:
        self._set(task, state=TaskState.RUNNING)
        if task.outcome.runs_ms is not None:
            self._step(task, task.outcome.runs_ms, self._exited)
        if task.service.updating is task:
            self._update_next(task.service)

    def _exited(self, task: FakeTask) -> None:
        code = task.outcome.exit_code
        if code == 0:
            self._end(task, TaskState.COMPLETE, code=0)
        else:
            self._end(task, TaskState.FAILED, code=code, error=f"task: non-zero exit ({code})")

    # Ending

    def _end(
        self, task: FakeTask, state: TaskState, *, code: int | None = None, error: str = ""
    ) -> None:
        """Note that a task ended; unless it was told to, its service's policy says what follows."""
        self._free(task)
        was_wanted = task.desired is TaskState.RUNNING
        self._set(task, state=state, code=code, error=error)
        if task.desired is TaskState.REMOVE:
            self.tasks.pop(task.id, None)
        elif was_wanted:
            self._set(task, desired=TaskState.SHUTDOWN)
            self._pause_update(task)
            self._replace(task)
        elif task.desired is TaskState.READY:
            # A restart that was refused waits for its delay all the same.
            self._pause_update(task)
        else:
            self._go_on_updating(task.service)
        self._want_round()

    def _free(self, task: FakeTask) -> None:
        self._pending.pop(task.id, None)
        task.steps += 1
        if task.node is not None and not task.has_ended:
            task.node.give_back(task.spec, task.ports)

    def _stop(self, task: FakeTask, desired: TaskState) -> None:
        self._set(task, desired=desired)
        if task.has_ended:
            if desired is TaskState.REMOVE:
                self.tasks.pop(task.id, None)
        elif task.node is None:
            self._end(task, TaskState.SHUTDOWN)
        else:
            self._step(task, self._timings.stop, self._stopped)

    def _stopped(self, task: FakeTask) -> None:
        self._end(task, TaskState.SHUTDOWN, code=_KILLED)

    # Restarts

    def _replace(self, task: FakeTask) -> None:
        service, restart = task.service, task.spec.restart
        now_ms = self._agenda.now_ms
        if restart.condition is RestartCondition.NONE or task.slot not in service.slots:
            return
        earlier = service.restarts_ms.setdefault(task.slot, [])
        if restart.window_ms:
            earlier[:] = [at for at in earlier if now_ms - at < restart.window_ms]
        if restart.max_attempts and len(earlier) >= restart.max_attempts:
            return
        earlier.append(now_ms)
        successor = self._make_task(service, task.slot, TaskState.READY)
        self._agenda.after(restart.delay_ms, lambda: self._release(successor))

    def _release(self, task: FakeTask) -> None:
        """Let a task that was made in advance run."""
        if task.desired is not TaskState.READY:
            return
        self._set(task, desired=TaskState.RUNNING)
        if task.state is TaskState.READY:
            self._start(task)
        elif task.has_ended:
            self._set(task, desired=TaskState.SHUTDOWN)
            self._replace(task)

    # Rolling updates: one slot at a time, the old task first

    def _update_next(self, service: FakeService) -> None:
        service.updating = None
        while service.to_update and service.to_update[0] not in service.slots:
            service.to_update.popleft()
        if not service.to_update:
            updates = service.updates
            self._agenda.after(
                self._timings.update_monitor, lambda: self._complete_update(service, updates)
            )
            return
        slot = service.to_update.popleft()
        old = [task for task in service.slots[slot] if task.desired in _WANTED]
        service.updating = self._make_task(service, slot, TaskState.READY)
        for task in old:
            self._stop(task, TaskState.SHUTDOWN)
        self._go_on_updating(service)

    def _go_on_updating(self, service: FakeService) -> None:
        new = service.updating
        if new is None or new.slot not in service.slots:
            return
        others = [task for task in service.slots[new.slot] if task is not new]
        if all(task.has_ended or not _is_reachable(task) for task in others):
            self._release(new)

    def _pause_update(self, task: FakeTask) -> None:
        service = task.service
        if service.update_state == "updating" and task.update == service.updates:
            service.update_state = "paused"
            service.to_update.clear()

    def _complete_update(self, service: FakeService, updates: int) -> None:
        if service.updates == updates and service.update_state == "updating":
            service.update_state = "completed"

    # Nodes

    def _notice_loss(self, node: FakeNode) -> None:
        node.seen = replace(node.seen, is_ready=False, updated_at=from_ms(self._agenda.now_ms))
        self._clear(node)
        self._node_changed()

    def _clear(self, node: FakeNode) -> None:
        """Stop all tasks of a node; a node that doesn't answer goes on listing them."""
        for task in list(self.tasks.values()):
            if task.node is node and not task.has_ended and task.desired in _WANTED:
                self._stop(task, TaskState.SHUTDOWN)
                self._replace(task)

    def _rejoin(self, node: FakeNode) -> None:
        node.seen = replace(node.seen, is_ready=True, updated_at=from_ms(self._agenda.now_ms))
        for task in list(self.tasks.values()):
            if task.node is node and not task.has_ended:
                error = f"task: non-zero exit ({_LOST})"
                self._end(task, TaskState.FAILED, code=_LOST, error=error)
        self._node_changed()

    def _node_changed(self) -> None:
        self._on_event()
        self._want_round()

    def _set(
        self,
        task: FakeTask,
        *,
        state: TaskState | None = None,
        desired: TaskState | None = None,
        code: int | None = None,
        error: str | None = None,
    ) -> None:
        task.seen = None
        task.updated_ms = self._agenda.now_ms
        if state is not None:
            task.state, task.error = state, ""
        if desired is not None:
            task.desired = desired
        if code is not None:
            task.exit_code = code
        if error is not None:
            task.error = error


def logs_of(tasks: Iterable[FakeTask], *, tail: int) -> str:
    """Return the last ``tail`` lines of each task, as the manager hands them out."""
    lines: list[str] = []
    for task in tasks:
        if task.node is not None and not task.node.is_up:
            lines.append(
                "Error grabbing logs: warning: incomplete log stream. some logs could not be"
                f" retrieved for the following reasons: node {task.node.seen.id} is not available\n"
            )
        elif tail > 0:
            lines.extend(task.log.splitlines(keepends=True)[-tail:])
    return "".join(lines)


def _observed(task: FakeTask) -> ObservedTask:
    if task.seen is None:
        task.seen = ObservedTask(
            id=task.id,
            service_id=task.service.id,
            node=task.node.seen.id if task.node else None,
            slot=task.slot,
            state=task.state,
            desired_state=task.desired,
            created_at=from_ms(task.created_ms),
            updated_at=from_ms(task.updated_ms),
            error=task.error,
            exit_code=task.exit_code,
            reservations=NOTHING if task.has_ended else task.spec.reservations,
            host_ports=_ports(task),
        )
    return task.seen


def _ports(task: FakeTask) -> tuple[ObservedPort, ...]:
    if task.state is not TaskState.RUNNING:
        return ()
    declared = [port for port in task.spec.ports if port.mode == "host"]
    ports = (
        ObservedPort(target=port.target, published=number, protocol=protocol)
        for port, (number, protocol) in zip(declared, task.ports, strict=True)
    )
    return tuple(sorted(ports, key=lambda port: (port.target, port.protocol, port.published)))


def _refusal(task: FakeTask) -> str:
    cpus = task.node.seen.capacity.cpu_millis if task.node else 0
    if task.spec.limits.cpu_millis > cpus:
        return (
            f"Range of CPUs is from 0.01 to {cpus // 1000}.00,"
            f" as there are only {cpus // 1000} CPUs available"
        )
    return task.outcome.refusal


def _keys(spec: ServiceSpec) -> tuple[str, ...]:
    labels = spec.labels
    return (spec.name, labels.get(LABEL_UID, ""), labels.get(LABEL_COMPONENT, ""), spec.image)


def _is_running(service: FakeService, slot: int) -> bool:
    return any(task.state is TaskState.RUNNING for task in service.slots[slot])


def _is_reachable(task: FakeTask) -> bool:
    return task.node is None or task.node.is_up
