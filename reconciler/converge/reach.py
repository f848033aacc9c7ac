"""Where what runs can be reached now: through its namespace's gateway, and at its nodes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.converge import naming
from reconciler.converge.host import Gateways
from reconciler.converge.state import (
    KIND_GATEWAY,
    LABEL_COMPONENT,
    LABEL_KIND,
    LABEL_NAMESPACE,
    ObservedService,
    ObservedState,
    TaskState,
)
from reconciler.converge.status import DIRECT, GATEWAY, SOCKS, Endpoint
from reconciler.converge.tasks import Group
from reconciler.manifest import routes
from reconciler.manifest.spec import ExecutionSpec, Port, Route

HTTP = "http"
"""The part of a gateway that leads to paths; the other is ``status.SOCKS``."""

_STAYS = "this address stays while it moves between nodes and when it starts again"
_ORDER = (GATEWAY, SOCKS, DIRECT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Where a namespace's gateway can be reached now; port 0 = not in this way.

    ``http_service`` is the service that leads to paths: its log tells what it passed on.
    """

    host: str
    http_port: int = 0
    http_service: str = ""
    socks_port: int = 0


def of_gateways(observed: ObservedState, gateways: Gateways | None) -> Mapping[str, Reach]:
    """Return where the gateways can be reached now, by namespace."""
    if gateways is None:
        return {}
    up = {task.service_id for task in observed.tasks if task.state is TaskState.RUNNING}
    addresses = {node.id: node.address for node in observed.nodes if node.is_ready}
    found: dict[str, Reach] = {}
    for service in observed.services:
        labels, node = service.spec.labels, service.spec.node
        if labels.get(LABEL_KIND) != KIND_GATEWAY or service.id not in up or node not in addresses:
            continue
        namespace = labels.get(LABEL_NAMESPACE, "")
        known = found.get(namespace, Reach(host=gateways.host or _bracketed(addresses[node])))
        found[namespace] = _with(known, service)
    return found


def _with(known: Reach, service: ObservedService) -> Reach:
    port = service.spec.ports[0].published if service.spec.ports else 0
    if service.spec.labels.get(LABEL_COMPONENT) == SOCKS:
        return replace(known, socks_port=port)
    return replace(known, http_port=port, http_service=service.id)


def endpoints(
    namespace: str, name: str, spec: ExecutionSpec, groups: Sequence[Group], reach: Reach | None
) -> tuple[Endpoint, ...]:
    """Return where the ports of an execution can be reached, what stays before what doesn't."""
    found: set[Endpoint] = set()
    ports = [(service.name, port) for service in spec.services for port in service.ports]
    for component, port in ports:
        mine = [group for group in groups if group.component == component and group.running]
        if reach is not None and any(is_known_by(group, name, port) for group in mine):
            found |= set(_by_gateway(f"{namespace}/{name}", name, component, port, reach))
        for group in mine:
            found |= set(_direct(name, group, port))
    return tuple(sorted(found, key=lambda e: (e.component, e.name, _ORDER.index(e.via), e.url)))


def is_known_by(group: Group, execution: str, port: Port) -> bool:
    """Tell whether a gateway finds the port: not what an older version of Zoe started."""
    if routes.is_by_socks(port):
        return True
    names = {alias for network in group.service.spec.networks for alias in network.aliases}
    host = routes.upstream(execution=execution, component=group.component, target=port.target)
    return host in names


def _by_gateway(
    full_name: str, execution: str, component: str, port: Port, reach: Reach
) -> Iterator[Endpoint]:
    if routes.is_by_path(port) and reach.http_port:
        path = routes.path(
            execution=execution, component=component, target=port.target, route=port.route
        )
        url = f"http://{reach.host}:{reach.http_port}{path}{port.path or '/'}"
        yield Endpoint(component=component, name=port.name, url=url, via=GATEWAY, use=_STAYS)
    if routes.is_by_socks(port) and reach.socks_port:
        host = naming.host(component=component, execution=execution)
        yield Endpoint(
            component=component,
            name=port.name,
            url=f"http://{host}:{port.target}{port.path or '/'}",
            via=SOCKS,
            use=f"open it with: zoe open --socks {full_name}",
            proxy=f"{reach.host}:{reach.socks_port}",
        )


def _direct(execution: str, group: Group, port: Port) -> Iterator[Endpoint]:
    address = group.node.address if group.node else ""
    scheme = port.app_protocol or port.protocol
    path = base(execution, group.component, port) + port.path
    for task in group.tasks:
        if task.state is not TaskState.RUNNING or not address:
            continue
        for there in task.host_ports:
            if there.target == port.target:
                url = f"{scheme}://{_bracketed(address)}:{there.published}{path}"
                yield Endpoint(component=group.component, name=port.name, url=url)


def base(execution: str, component: str, port: Port) -> str:
    """Return the part of the path that the application itself has before its own."""
    if not routes.is_by_path(port) or port.route is not Route.KEEP:
        return ""
    return routes.path(
        execution=execution, component=component, target=port.target, route=port.route
    )


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address
