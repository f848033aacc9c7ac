"""Whom to ask whether it is used, and where: after a pass, from what it found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from policy.model.execution import Uid
from reconciler.converge.state import TaskState
from reconciler.converge.tasks import Group
from reconciler.converge.world import Assessment
from reconciler.manifest.idle import Idle
from reconciler.manifest.spec import ExecutionSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A running attempt whose use is asked for; ``port`` 0 = it can't be reached now."""

    uid: Uid
    attempt: int
    namespace: str
    idle: Idle
    address: str = ""
    port: int = 0


def targets(found: Assessment) -> tuple[Target, ...]:
    """Return all that run and may end for idleness, by uid."""
    asked = []
    for uid, rendered in found.rendered.items():
        execution, record = rendered.inputs.execution, found.records[uid]
        spec = execution.spec
        if spec.idle is None or record.started_at is None or uid not in found.told:
            continue
        facts, _ = found.told[uid]
        groups = (group for group in facts.groups if group.attempt == record.attempt)
        address, port = _endpoint(spec, spec.idle, groups)
        asked.append(
            Target(
                uid=uid,
                attempt=record.attempt,
                namespace=execution.namespace.name,
                idle=spec.idle,
                address=address,
                port=port,
            )
        )
    return tuple(asked)


def _endpoint(spec: ExecutionSpec, idle: Idle, groups: Iterable[Group]) -> tuple[str, int]:
    """Return where the Swarm says that the port is, on the node of the running task."""
    numbers = {
        port.target
        for service in spec.services
        for port in service.ports
        if (service.name, port.name) == (idle.probe.service, idle.probe.port)
    }
    for group in groups:
        if group.component != idle.probe.service or group.node is None:
            continue
        for task in group.latest:
            if task.state is not TaskState.RUNNING:
                continue
            for there in task.host_ports:
                if there.target in numbers and there.protocol == "tcp":
                    return group.node.address, there.published
    return "", 0
