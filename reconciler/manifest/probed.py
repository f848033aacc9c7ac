"""What an idle probe names of an application, and whether a gateway sees its traffic."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.manifest import routes
from reconciler.manifest.diagnostic import Complaint, quoted
from reconciler.manifest.idle import Probe
from reconciler.manifest.spec import Port, Service
from reconciler.manifest.suggest import did_you_mean

TRAFFIC = "traffic"
"""The type of probe that asks the gateway instead of the application."""

USAGE = "usage"
"""The type of probe that asks the nodes what the containers consume."""


def service_of(probe: Probe, services: Sequence[Service]) -> Service | Complaint:
    """Return the service that a probe names, or what is wrong with that."""
    by_name = {service.name: service for service in services}
    if probe.service in by_name:
        return by_name[probe.service]
    remedy = did_you_mean(probe.service, by_name, otherwise="name one of its services")
    return Complaint("UnknownService", f"no service {quoted(probe.service)}", remedy)


def port_of(probe: Probe, service: Service) -> Port | Complaint:
    """Return the port of a service that a probe names, or what is wrong with that."""
    by_name = {port.name: port for port in service.ports}
    if probe.port in by_name:
        return by_name[probe.port]
    message = f"{service.name} has no port named {quoted(probe.port)}"
    remedy = did_you_mean(probe.port, by_name, otherwise="name one of its ports")
    return Complaint("UnknownPort", message, remedy)


def counted(probe: Probe, services: Sequence[Service]) -> list[tuple[Service, Port]]:
    """Return the ports whose traffic counts: those that a gateway may lead to."""
    return [
        (service, port)
        for service in services
        for port in service.ports
        if routes.is_http(port)
        and probe.service in ("", service.name)
        and probe.port in ("", port.name)
    ]


def unseen(probe: Probe, services: Sequence[Service]) -> Iterator[tuple[str, Complaint]]:
    """Yield why a probe of traffic would know nothing, or too little, by the key to blame."""
    yield from _superfluous(probe, ("path", "active", "token"))
    if probe.port and not probe.service:
        yield "port", Complaint("MissingKey", "nothing says whose port it is", "add service: NAME")
        return
    service = service_of(probe, services) if probe.service else None
    if isinstance(service, Complaint):
        yield "service", service
        return
    port = port_of(probe, service) if service and probe.port else None
    if isinstance(port, Complaint):
        yield "port", port
        return
    yield from _without_route(counted(probe, services))


def uncounted(probe: Probe, services: Sequence[Service]) -> Iterator[tuple[str, Complaint]]:
    """Yield what a probe of consumption says in vain, by the key to blame."""
    yield from _superfluous(probe, ("port", "path", "active", "token"))
    if probe.service and isinstance(found := service_of(probe, services), Complaint):
        yield "service", found


def _superfluous(probe: Probe, keys: Sequence[str]) -> Iterator[tuple[str, Complaint]]:
    for key in keys:
        if getattr(probe, key) != ("/" if key == "path" else ""):
            message = f"{key} is for probes that ask the application"
            yield key, Complaint("Contradiction", message, "remove it")


def _without_route(ports: Sequence[tuple[Service, Port]]) -> Iterator[tuple[str, Complaint]]:
    if not any(routes.is_by_path(port) for _, port in ports):
        message = "the gateway has no route to it, so no traffic is seen"
        remedy = "give a port app_protocol: http and route: strip or keep, or ask by type: http"
        yield "type", Complaint("Contradiction", message, remedy)
        return
    for service, port in ports:
        if routes.is_by_socks(port):
            message = f"traffic through SOCKS isn't seen, and the port {port.name} has route: socks"
            remedy = "name the service and port that count, or ask by type: jupyter or http"
            yield "type", Complaint("Contradiction", message, remedy)
        elif any(each.mode != "host" for each in service.ports):
            message = f"{service.name} has a port in the routing mesh, where traffic isn't seen"
            yield "type", Complaint("Contradiction", message, "write mode: host for its ports")
