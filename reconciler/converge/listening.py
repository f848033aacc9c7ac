"""Declared http ports of what runs, and which of them nothing listens on."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from policy.model.execution import Uid
from reconciler.converge.phases import Facts
from reconciler.converge.state import TaskState
from reconciler.converge.tasks import Group
from reconciler.manifest import routes
from reconciler.manifest.spec import ExecutionSpec, Port


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """An http port of a running task, and where it is on the task's node."""

    uid: Uid
    task: str
    component: str
    port: str
    target: int
    node: str
    address: str
    published: int

    @property
    def sentence(self) -> str:
        """What to tell people if nothing listens there."""
        name = f" ({self.port})" if self.port else ""
        return (
            f"nothing listens on port {self.target}{name} of {self.component} on {self.node}: does "
            "its image serve that port, and not for its own loopback only?"
        )


def doors(told: Iterable[Facts]) -> tuple[Door, ...]:
    """Return the http ports that running tasks have on their nodes."""
    return tuple(
        door
        for facts in told
        if facts.spec is not None and facts.record.attempt_open
        for group in facts.groups
        for door in _doors(facts.record.uid, facts.spec, group)
    )


def sentences(silent: Collection[Door], groups: Sequence[Group]) -> tuple[str, ...]:
    """Return what to tell of the ports that nothing listens on, if their task still runs."""
    if not silent:
        return ()
    up = {t.id for group in groups for t in group.latest if t.state is TaskState.RUNNING}
    return tuple(door.sentence for door in silent if door.task in up)


def _doors(uid: Uid, spec: ExecutionSpec, group: Group) -> Iterator[Door]:
    ports = _http_ports(spec, group.component)
    if not ports or group.node is None or group.is_node_lost or not group.node.address:
        return
    for task in group.latest:
        if task.state is not TaskState.RUNNING:
            continue
        for there in task.host_ports:
            if there.protocol == "tcp" and there.target in ports:
                yield Door(
                    uid=uid,
                    task=task.id,
                    component=group.component,
                    port=ports[there.target].name,
                    target=there.target,
                    node=group.node.hostname,
                    address=group.node.address,
                    published=there.published,
                )


def _http_ports(spec: ExecutionSpec, component: str) -> dict[int, Port]:
    return {
        port.target: port
        for service in spec.services
        if service.name == component
        for port in service.ports
        if routes.is_http(port)
    }
