"""Whom to ask whether it is used, and where: after a pass, from what it found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from policy.model.execution import Uid
from reconciler.converge.consumption import Container
from reconciler.converge.passage import Place
from reconciler.converge.reach import Reach, base, is_known_by
from reconciler.converge.state import TaskState
from reconciler.converge.tasks import Group
from reconciler.converge.world import Assessment
from reconciler.manifest import routes
from reconciler.manifest.idle import Idle
from reconciler.manifest.probed import TRAFFIC, USAGE, counted
from reconciler.manifest.spec import ExecutionSpec, Port

_NO_GATEWAY = (
    "its namespace has no gateway up that leads to it: docs/gateway.md says how one is offered, or "
    "ask by another type of probe"
)
_TOO_OLD = "it was started before there were gateways: they know it from its next start on"


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """Where to see what a gateway passes on to an execution: in the log of ``gateway``.

    ``routes`` are its paths there, ``places`` where its tasks are. ``unseen`` says why nothing can
    be seen now.
    """

    gateway: str = ""
    routes: frozenset[str] = frozenset()
    places: frozenset[Place] = frozenset()
    unseen: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A running attempt whose use is asked for; ``port`` 0 = it can't be reached now.

    ``base`` is what its paths begin with, where it is told the gateway's. ``traffic`` is where to
    look instead, for probes of that type; ``containers`` are those that the nodes are asked about,
    for probes of type usage.
    """

    uid: Uid
    attempt: int
    namespace: str
    idle: Idle
    address: str = ""
    port: int = 0
    base: str = ""
    containers: tuple[Container, ...] = ()
    traffic: Traffic | None = None


def targets(found: Assessment) -> tuple[Target, ...]:
    """Return all that run and may end for idleness, by uid."""
    asked = []
    for uid, rendered in found.rendered.items():
        execution, record = rendered.inputs.execution, found.records[uid]
        spec = execution.spec
        if spec.idle is None or record.started_at is None or uid not in found.told:
            continue
        facts, _ = found.told[uid]
        groups = [group for group in facts.groups if group.attempt == record.attempt]
        asks_gateway = spec.idle.probe.type == TRAFFIC
        declared = _port(spec, spec.idle)
        address, port = _endpoint(declared, spec.idle, groups)
        asked.append(
            Target(
                uid=uid,
                attempt=record.attempt,
                namespace=execution.namespace.name,
                idle=spec.idle,
                address=address,
                port=port,
                base=base(execution.name, spec.idle.probe.service, declared) if declared else "",
                containers=tuple(_containers(spec.idle, groups)),
                traffic=_traffic(execution.name, spec, spec.idle, groups, facts.reach)
                if asks_gateway
                else None,
            )
        )
    return tuple(asked)


def _port(spec: ExecutionSpec, idle: Idle) -> Port | None:
    asked = (idle.probe.service, idle.probe.port)
    ports = ((service.name, port) for service in spec.services for port in service.ports)
    return next((port for name, port in ports if (name, port.name) == asked), None)


def _containers(idle: Idle, groups: Iterable[Group]) -> Iterator[Container]:
    """Yield what runs of the service that counts, or of all of them; "" for what isn't known."""
    if idle.probe.type != USAGE:
        return
    for group in groups:
        if idle.probe.service not in ("", group.component):
            continue
        for task in group.latest:
            if task.state is TaskState.RUNNING:
                address = group.node.address if group.node is not None else ""
                yield Container(id=task.container, address=address)


def _traffic(
    execution: str, spec: ExecutionSpec, idle: Idle, groups: Sequence[Group], reach: Reach | None
) -> Traffic:
    if reach is None or not reach.http_service:
        return Traffic(unseen=_NO_GATEWAY)
    ports = [(s.name, p) for s, p in counted(idle.probe, spec.services) if routes.is_by_path(p)]
    paths, places = set(), set()
    for component, port in ports:
        target = port.target
        paths.add(
            routes.path(execution=execution, component=component, target=target, route=port.route)
        )
        for group in groups:
            if group.component != component:
                continue
            if not is_known_by(group, execution, port):
                return Traffic(unseen=_TOO_OLD)
            live = (task for task in group.latest if task.state is TaskState.RUNNING)
            places |= {(address, target) for task in live for address in task.addresses}
    if not places:
        return Traffic(unseen="no task with a route is up")
    return Traffic(gateway=reach.http_service, routes=frozenset(paths), places=frozenset(places))


def _endpoint(port: Port | None, idle: Idle, groups: Iterable[Group]) -> tuple[str, int]:
    """Return where the Swarm says that the port is, on the node of the running task."""
    if port is None:
        return "", 0
    for group in groups:
        if group.component != idle.probe.service or group.node is None:
            continue
        for task in group.latest:
            if task.state is not TaskState.RUNNING:
                continue
            for there in task.host_ports:
                if there.target == port.target and there.protocol == "tcp":
                    return group.node.address, there.published
    return "", 0
