"""Services and tasks of the fake as it keeps them, and tasks as the Swarm would list them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from ipaddress import IPv4Address
from zlib import crc32

from policy.model.resources import NOTHING
from reconciler.cluster.fake.agenda import from_ms
from reconciler.cluster.fake.room import FakeNode
from reconciler.cluster.fake.script import Outcome
from reconciler.converge.state import (
    ObservedPort,
    ObservedService,
    ObservedTask,
    ServiceSpec,
    TaskState,
)

_OVERLAYS = int(IPv4Address("10.0.0.0"))
_NOT_ENDED = frozenset(
    {
        TaskState.NEW,
        TaskState.ALLOCATED,
        TaskState.PENDING,
        TaskState.ASSIGNED,
        TaskState.ACCEPTED,
        TaskState.PREPARING,
        TaskState.READY,
        TaskState.STARTING,
        TaskState.RUNNING,
    }
)
_HAVE_A_CONTAINER = frozenset({TaskState.STARTING, TaskState.RUNNING})


@dataclass(slots=True, kw_only=True, eq=False)
class FakeTask:
    """A task. ``steps`` counts those of its life: one that was overtaken does nothing.

    ``update`` is the number of the service's update that it was made in.
    """

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

    def set(
        self,
        now_ms: int,
        *,
        state: TaskState | None = None,
        desired: TaskState | None = None,
        code: int | None = None,
        error: str = "",
    ) -> None:
        """Change what is listed. Every new state takes back the old one's error."""
        self.seen = None
        self.updated_ms = now_ms
        if state is not None:
            self.state, self.exit_code = state, code
        if state is not None or error:
            self.error = error
        if desired is not None:
            self.desired = desired


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
    seen: ObservedService | None = None

    @property
    def name(self) -> str:
        """The service's name; it can't change."""
        return self.spec.name


def listed_service(service: FakeService) -> ObservedService:
    """Return a service as the API lists it; made anew only after a change."""
    seen = service.seen
    if (
        seen is None
        or seen.version != service.version
        or seen.spec is not service.spec
        or seen.update_state != service.update_state
    ):
        seen = service.seen = ObservedService(
            id=service.id,
            version=service.version,
            spec=service.spec,
            created_at=from_ms(service.created_ms),
            update_state=service.update_state,
        )
    return seen


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


def listed(task: FakeTask) -> ObservedTask:
    """Return a task as the API lists it; made anew only after a change."""
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
            container=_container(task),
            reservations=NOTHING if task.has_ended else task.spec.reservations,
            host_ports=_ports(task),
            addresses=_addresses(task),
        )
    return task.seen


def _container(task: FakeTask) -> str:
    """Return what stands for a container's id, from when there is one."""
    has_one = task.state in _HAVE_A_CONTAINER or task.exit_code is not None
    return sha256(task.id.encode()).hexdigest() if has_one else ""


def _addresses(task: FakeTask) -> tuple[str, ...]:
    if task.node is None:
        return ()
    seeds = (f"{attachment.network}/{task.id}" for attachment in task.spec.networks)
    return tuple(str(IPv4Address(_OVERLAYS + crc32(seed.encode()) % 2**24)) for seed in seeds)


def _ports(task: FakeTask) -> tuple[ObservedPort, ...]:
    if task.state is not TaskState.RUNNING:
        return ()
    declared = [port for port in task.spec.ports if port.mode == "host"]
    ports = (
        ObservedPort(target=port.target, published=number, protocol=protocol)
        for port, (number, protocol) in zip(declared, task.ports, strict=True)
    )
    return tuple(sorted(ports, key=lambda port: (port.target, port.protocol, port.published)))
