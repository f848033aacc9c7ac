"""The fake's manager: slots, scheduling, restarts, lost nodes.

What it copies was measured on a real Swarm; ``tests/contract`` holds both to it. Time comes from
an agenda only.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from policy.model.execution import NodeId
from reconciler.cluster.fake.agenda import Agenda, from_ms
from reconciler.cluster.fake.agent import Agent
from reconciler.cluster.fake.rolling import WANTED, RollingUpdates
from reconciler.cluster.fake.room import FakeNode, choose, explain
from reconciler.cluster.fake.script import Script, Timings
from reconciler.cluster.fake.state import FakeService, FakeTask, listed
from reconciler.converge.state import (
    LABEL_COMPONENT,
    LABEL_UID,
    ObservedNode,
    ObservedTask,
    RestartCondition,
    ServiceSpec,
    TaskState,
)

_HISTORY_PER_SLOT = 5
_LOST = 255


class Manager:
    """All nodes and tasks of the fake. ``on_event`` hears of nodes, as an event stream would."""

    def __init__(
        self, agenda: Agenda, script: Script, timings: Timings, on_event: Callable[[], None]
    ) -> None:
        self.nodes: dict[NodeId, FakeNode] = {}
        self.tasks: dict[str, FakeTask] = {}
        self.agent = Agent(agenda, timings, self)
        self._updates = RollingUpdates(agenda, timings.update_monitor, self, on_event)
        self._agenda = agenda
        self._script = script
        self._timings = timings
        self._on_event = on_event
        self._pending: dict[str, FakeTask] = {}
        self._is_round_due = False
        self._made = 0

    def observed(self) -> tuple[ObservedTask, ...]:
        """Return all tasks as they are listed."""
        return tuple(map(listed, self.tasks.values()))

    # Services

    def add_service(self, service: FakeService) -> None:
        """Make the tasks of a new service."""
        self._set_replicas(service)

    def update_service(self, service: FakeService, spec: ServiceSpec) -> None:
        """Scale; replace tasks one by one if anything but labels and replicas changed."""
        is_changed = spec.applied_hash != service.spec.applied_hash
        service.spec = spec
        self._set_replicas(service)
        if is_changed:
            self._updates.begin(service)

    def remove_service(self, service: FakeService) -> None:
        """Let all tasks go; they are listed until their containers have stopped."""
        for slot in list(service.slots):
            self._drop_slot(service, slot)

    def _set_replicas(self, service: FakeService) -> None:
        # The highest go first, those that have ended before those that run.
        leaving = sorted(service.slots, key=lambda slot: (_is_running(service, slot), -slot))
        for slot in leaving[: max(0, len(service.slots) - service.spec.replicas)]:
            self._drop_slot(service, slot)
        slot = 0
        while len(service.slots) < service.spec.replicas:
            slot += 1
            if slot not in service.slots:
                service.slots[slot] = []
                self.make_task(service, slot)

    def _drop_slot(self, service: FakeService, slot: int) -> None:
        for task in service.slots.pop(slot):
            self.stop_task(task, TaskState.REMOVE)
        service.restarts_ms.pop(slot, None)

    # Tasks

    def make_task(
        self, service: FakeService, slot: int, desired: TaskState = TaskState.RUNNING
    ) -> FakeTask:
        """Make a slot's next task; with READY it waits, prepared, for :meth:`release`."""
        self._made += 1
        task = FakeTask(
            id=f"task{self._made:08d}",
            service=service,
            slot=slot,
            spec=service.spec,
            desired=desired,
            created_ms=self._agenda.now_ms,
            updated_ms=self._agenda.now_ms,
            update=service.updates,
        )
        history = service.slots[slot]
        # What hasn't ended, as on a node that is lost, still holds what it was given.
        for old in [earlier for earlier in history if earlier.has_ended][: 1 - _HISTORY_PER_SLOT]:
            history.remove(old)
            self.tasks.pop(old.id, None)
        history.append(task)
        self.tasks[task.id] = self._pending[task.id] = task
        self._want_round()
        return task

    def release(self, task: FakeTask) -> None:
        """Let a task run that was made in advance; one that was refused is tried anew."""
        if task.desired is not TaskState.READY:
            return
        task.set(self._agenda.now_ms, desired=TaskState.RUNNING)
        if task.state is TaskState.READY:
            self.agent.start(task)
        elif task.has_ended:
            task.set(self._agenda.now_ms, desired=TaskState.SHUTDOWN)
            self._restart(task)

    def stop_task(self, task: FakeTask, desired: TaskState) -> None:
        """Want a task shut down or removed."""
        task.set(self._agenda.now_ms, desired=desired)
        if task.has_ended:
            if desired is TaskState.REMOVE:
                self.tasks.pop(task.id, None)
        elif task.node is None:
            self.ended(task, TaskState.SHUTDOWN)
        else:
            self.agent.stop(task)

    def _want_round(self) -> None:
        if self._pending and not self._is_round_due:
            self._is_round_due = True
            self._agenda.after(self._timings.schedule, self._round)

    def _round(self) -> None:
        self._is_round_due = False
        for task in list(self._pending.values()):
            node = choose(self.nodes, task.spec)
            if node is None:
                task.set(self._agenda.now_ms, error=explain(self.nodes.values(), task.spec))
                continue
            del self._pending[task.id]
            task.node, task.ports = node, node.take(task.spec)
            task.outcome = self._script.next(task.spec, _keys(task.spec))
            task.set(self._agenda.now_ms, state=TaskState.ASSIGNED)
            self.agent.accept(task)

    # What the nodes report

    def running(self, task: FakeTask) -> None:
        """Note that a task runs."""
        self._updates.running(task)

    def ended(
        self, task: FakeTask, state: TaskState, *, code: int | None = None, error: str = ""
    ) -> None:
        """Note that a task ended; unless it was told to, its service's policy says what follows."""
        self._pending.pop(task.id, None)
        task.steps += 1
        if task.node is not None:
            task.node.give_back(task.spec, task.ports)
        task.set(self._agenda.now_ms, state=state, code=code, error=error)
        match task.desired:
            case TaskState.REMOVE:
                self.tasks.pop(task.id, None)
            case TaskState.RUNNING:
                task.set(self._agenda.now_ms, desired=TaskState.SHUTDOWN)
                self._updates.failed(task)
                self._restart(task)
            case TaskState.READY:
                self._updates.failed(task)  # tried anew when it would have been released
            case _:
                self._updates.stopped(task.service)
        self._want_round()

    def _restart(self, task: FakeTask) -> None:
        service, restart = task.service, task.spec.restart
        now_ms = self._agenda.now_ms
        if restart.condition is RestartCondition.NONE or task.slot not in service.slots:
            return
        if restart.condition is RestartCondition.ON_FAILURE and task.state is TaskState.COMPLETE:
            return
        earlier = service.restarts_ms.setdefault(task.slot, [])
        if restart.window_ms:
            earlier[:] = [at for at in earlier if now_ms - at < restart.window_ms]
        if restart.max_attempts and len(earlier) >= restart.max_attempts:
            return
        if restart.max_attempts:
            earlier.append(now_ms)
        successor = self.make_task(service, task.slot, TaskState.READY)
        self._agenda.after(restart.delay_ms, lambda: self.release(successor))

    # Nodes

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
        self._after_boot(node, self._timings.detect_loss, self._notice_loss)

    def start_node(self, node: FakeNode) -> None:
        """Give a node its power back: what ran on it has failed."""
        node.is_up = True
        self._after_boot(node, self._timings.rejoin, self._rejoin)

    def set_active(self, node: FakeNode, *, is_active: bool) -> None:
        """Drain a node, or take it back into service."""
        node.seen = replace(node.seen, is_active=is_active, updated_at=from_ms(self._agenda.now_ms))
        if not is_active:
            self._clear(node)
        self._node_changed()

    def _after_boot(self, node: FakeNode, ms: int, action: Callable[[FakeNode], None]) -> None:
        """Begin a new life of a node, and do something later if it still lasts then."""
        node.boots += 1
        boots = node.boots
        self._agenda.after(ms, lambda: action(node) if node.boots == boots else None)

    def _notice_loss(self, node: FakeNode) -> None:
        node.seen = replace(node.seen, is_ready=False, updated_at=from_ms(self._agenda.now_ms))
        self._clear(node)
        self._node_changed()

    def _clear(self, node: FakeNode) -> None:
        """Stop all tasks of a node; those of one that doesn't answer stay listed as they were."""
        for task in list(self.tasks.values()):
            if task.node is node and not task.has_ended and task.desired in WANTED:
                self.stop_task(task, TaskState.SHUTDOWN)
                self._restart(task)

    def _rejoin(self, node: FakeNode) -> None:
        node.seen = replace(node.seen, is_ready=True, updated_at=from_ms(self._agenda.now_ms))
        for task in list(self.tasks.values()):
            if task.node is node and not task.has_ended:
                error = f"task: non-zero exit ({_LOST})"
                self.ended(task, TaskState.FAILED, code=_LOST, error=error)
        self._node_changed()

    def _node_changed(self) -> None:
        self._on_event()
        self._want_round()


def _keys(spec: ServiceSpec) -> tuple[str, ...]:
    labels = spec.labels
    return (spec.name, labels.get(LABEL_UID, ""), labels.get(LABEL_COMPONENT, ""), spec.image)


def _is_running(service: FakeService, slot: int) -> bool:
    return any(task.state is TaskState.RUNNING for task in service.slots[slot])
