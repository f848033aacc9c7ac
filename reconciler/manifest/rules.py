"""What no schema can say of an execution by itself: how its parts fit one another."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from itertools import pairwise
from typing import TypeVar

from policy.model.execution import ApplicationType
from reconciler.manifest import routes
from reconciler.manifest.diagnostic import Complaint, Path, Problem, quoted
from reconciler.manifest.quantities import cpus_text, memory_text
from reconciler.manifest.secret_mount import SSH_KEY
from reconciler.manifest.spec import Route, Service
from reconciler.manifest.suggest import did_you_mean

RESERVED_LABELS = ("zoe.", "com.docker.")
LEAST_MEMORY_BYTES = 6 * 1024**2
"""Docker's ``linuxMinMemory``: Swarm takes a service of 4 MiB, and no engine then runs it."""
ONE_REPLICA = 1000

T = TypeVar("T", bound=Hashable)


def check_services(
    services: tuple[Service, ...], type_: ApplicationType, *, path: Path
) -> list[Problem]:
    """Return what is wrong with the services of one execution taken together.

    ``path`` is where they stand in the document.
    """
    problems = [
        problem
        for service in services
        for rule in _SERVICE_RULES
        for problem in rule(service, (*path, service.name))
    ]
    problems += _check_dependencies(services, path)
    problems += _check_completion(services, type_, path)
    problems += _check_published(services, path)
    if not any(service.core for service in services):
        complaint = Complaint(
            "NoCore", "no service has a core replica", "give one service replicas: 1"
        )
        problems.append(complaint.at(path, at_key=True))
    return problems


def check_kept_logs(kept_in: str, services: Iterable[Service]) -> list[Problem]:
    """Return what is wrong with where logs are kept: they follow the workspace that is mounted."""
    is_mounted = any(v.type == "workspace" for service in services for v in service.volumes)
    if not kept_in or is_mounted:
        return []
    message = "no service mounts the workspace, so where its logs belong isn't known"
    remedy = "add volumes: [{type: workspace, target: /work}] to a service"
    return [Complaint("KeptNowhere", message, remedy).at(("spec", "logs"), at_key=True)]


def check_labels(labels: Iterable[str], *, path: Path) -> list[Problem]:
    """Return a problem for every label whose name is ours or Docker's, in whatever case."""
    return [
        Complaint(
            "ReservedLabel", f"{quoted(name)} begins with a reserved prefix", "choose another name"
        ).at((*path, name), at_key=True)
        for name in labels
        if name.lower().startswith(RESERVED_LABELS)
    ]


def _check_own_labels(service: Service, path: Path) -> Iterator[Problem]:
    yield from check_labels((name for name, _ in service.labels), path=(*path, "labels"))


def _check_replicas(service: Service, path: Path) -> Iterator[Problem]:
    if service.core > service.maximum:
        message = f"core {service.core} is more than max {service.maximum}"
        remedy = f"write max: {service.core} or more"
        yield Complaint("CoreOverMaximum", message, remedy).at((*path, "replicas", "core"))


def _check_speedup(service: Service, path: Path) -> Iterator[Problem]:
    """A curve counts in replicas' worth: it begins with one, and more are never slower."""
    curve, place = service.speedup, (*path, "replicas", "speedup")
    if not curve:
        return
    if len(curve) < service.maximum:
        message = f"{len(curve)} values for {service.maximum} replicas"
        remedy = "write a value for each of 1 to max replicas"
        yield Complaint("BadSpeedup", message, remedy).at(place, at_key=True)
    if curve[0] != ONE_REPLICA:
        message = f"one replica is as fast as {cpus_text(curve[0])}"
        yield Complaint("BadSpeedup", message, "begin with 1").at((*place, 0))
    for index, (before, value) in enumerate(pairwise(curve), 1):
        if value < before:
            message = f"{index + 1} replicas are slower than {index}"
            remedy = f"write {cpus_text(before)} or more, or lower max"
            yield Complaint("BadSpeedup", message, remedy).at((*place, index))


def _check_amounts(service: Service, path: Path) -> Iterator[Problem]:
    """A limit of 0 is none; a reservation beyond its limit could never be used."""
    reserved, limit = service.reservations, service.limits
    for name, promised, bound, text in (
        ("cpus", reserved.cpu_millis, limit.cpu_millis, cpus_text),
        ("memory", reserved.memory_bytes, limit.memory_bytes, memory_text),
    ):
        if bound and promised > bound:
            message = f"{text(promised)} is more than the limit {text(bound)}"
            remedy = f"write {text(bound)}, or raise the limit"
            place = (*path, "resources", "reservations", name)
            yield Complaint("ReservationOverLimit", message, remedy).at(place)


def _check_floor(service: Service, path: Path) -> Iterator[Problem]:
    """The engine refuses less, but only when it is to run a container."""
    for name, amounts in (("reservations", service.reservations), ("limits", service.limits)):
        if 0 < amounts.memory_bytes < LEAST_MEMORY_BYTES:
            message = f"{memory_text(amounts.memory_bytes)} is less than the engine accepts"
            remedy = f"write {memory_text(LEAST_MEMORY_BYTES)} or more"
            place = (*path, "resources", name, "memory")
            yield Complaint("MemoryTooSmall", message, remedy).at(place)


def _check_ports(service: Service, path: Path) -> Iterator[Problem]:
    yield from _duplicates(
        [(port.target, port.protocol) for port in service.ports],
        lambda index: (*path, "ports", index, "target"),
        lambda key: f"port {key[0]}/{key[1]}",
    )
    yield from _duplicates(
        [port.name for port in service.ports],
        lambda index: (*path, "ports", index, "name"),
        lambda key: f"a port named {key}",
    )
    for index, port in enumerate(service.ports):
        if port.route is not Route.STRIP and not routes.is_http(port):
            message = f"the port {port.name} isn't one that a gateway leads to"
            complaint = Complaint("RouteWithoutHttp", message, "add app_protocol: http, over tcp")
            yield complaint.at((*path, "ports", index, "route"))


def _check_targets(service: Service, path: Path) -> Iterator[Problem]:
    """Two mounts at one place hide one another."""
    places: list[tuple[str, Path]] = []
    for part in ("volumes", "tmpfs", "files"):
        for index, mount in enumerate(getattr(service, part)):
            places.append((mount.target.rstrip("/"), (*path, part, index)))
    for index, secret in enumerate(service.secrets):
        places.append((f"/run/secrets/{secret.target}", (*path, "secrets", index)))
        if secret.generate == SSH_KEY:
            places.append((f"/run/secrets/{secret.target}.pub", (*path, "secrets", index)))
    yield from _duplicates(
        [target for target, _ in places],
        lambda index: places[index][1],
        lambda target: f"{quoted(target)}",
    )


def _duplicates(
    keys: list[T], place: Callable[[int], Path], name: Callable[[T], str]
) -> Iterator[Problem]:
    seen: set[T] = set()
    for index, key in enumerate(keys):
        if key in seen:
            complaint = Complaint(
                "Duplicate", f"{name(key)} stands there already", "remove one of the two"
            )
            yield complaint.at(place(index))
        seen.add(key)


def _check_volumes(service: Service, path: Path) -> Iterator[Problem]:
    for index, volume in enumerate(service.volumes):
        place = (*path, "volumes", index)
        if volume.type == "volume" and not volume.source:
            remedy = "add source: NAME, or write type: workspace"
            yield Complaint("MissingKey", "source is missing", remedy).at(place)
        if volume.type == "workspace" and volume.source:
            complaint = Complaint(
                "SourceOfWorkspace", "the workspace is always the namespace's own", "remove source"
            )
            yield complaint.at((*place, "source"), at_key=True)


_SERVICE_RULES: tuple[Callable[[Service, Path], Iterator[Problem]], ...] = (
    _check_own_labels,
    _check_replicas,
    _check_speedup,
    _check_amounts,
    _check_floor,
    _check_ports,
    _check_targets,
    _check_volumes,
)


def _check_dependencies(services: tuple[Service, ...], path: Path) -> list[Problem]:
    problems: list[Problem] = []
    names = {service.name for service in services}
    for service in services:
        for dependency in service.depends_on:
            if dependency.service not in names:
                others = names - {service.name}
                remedy = did_you_mean(dependency.service, others, otherwise="remove it")
                message = f"no service {quoted(dependency.service)}"
                complaint = Complaint("UnknownService", message, remedy)
                problems.append(complaint.at((*path, service.name, "depends_on")))
    edges = {
        service.name: [dependency.service for dependency in service.depends_on]
        for service in services
    }
    for cycle in cycles(edges):
        complaint = refuse_cycle(cycle, "depends_on")
        problems.append(complaint.at((*path, cycle[0], "depends_on")))
    return problems


def refuse_cycle(cycle: list[str], key: str) -> Complaint:
    """Return the complaint about names that wait for one another."""
    around = " -> ".join([*cycle[:8], *(["..."] if len(cycle) > 8 else []), cycle[0]])
    message = f"a circle that never starts: {around}"
    return Complaint("DependencyCycle", message, f"remove one of these from {key}")


def cycles(edges: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Return circles of a graph that share no name, each from its first name in order on.

    Not recursive: a chain of thousands must not exhaust the stack.
    """
    found: list[list[str]] = []
    left = {
        name: {target for target in targets if target in edges} for name, targets in edges.items()
    }
    while left := _without_ends(left):
        trail: list[str] = []
        name = min(left)
        while name not in trail:
            trail.append(name)
            name = min(left[name])
        circle = trail[trail.index(name) :]
        first = circle.index(min(circle))
        found.append(circle[first:] + circle[:first])
        left = {name: targets for name, targets in left.items() if name not in circle}
    return sorted(found)


def _without_ends(graph: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """Return what is left after taking out, again and again, names that lead nowhere."""
    left = {name: targets & graph.keys() for name, targets in graph.items()}
    while ends := [name for name, targets in left.items() if not targets]:
        for name in ends:
            del left[name]
        left = {name: targets & left.keys() for name, targets in left.items()}
    return left


def _check_completion(
    services: tuple[Service, ...], type_: ApplicationType, path: Path
) -> list[Problem]:
    completing = [service for service in services if service.completes]
    if type_ is ApplicationType.BATCH:
        if completing or len(services) == 1:
            return []
        remedy = "add completes: true to the service whose end is the end of all"
        complaint = Complaint("NothingCompletes", "no service says when the batch is done", remedy)
        return [complaint.at(path, at_key=True)]
    complaint = Complaint(
        "CompletesOutsideBatch", f"{type_} doesn't complete", "remove it, or write type: batch"
    )
    return [complaint.at((*path, service.name, "completes"), at_key=True) for service in completing]


def _check_published(services: tuple[Service, ...], path: Path) -> list[Problem]:
    """Two services can't have the same fixed port: they may meet on a node."""
    places = [
        ((port.published, port.protocol), (*path, service.name, "ports", index, "published"))
        for service in services
        for index, port in enumerate(service.ports)
        if port.published
    ]
    return list(
        _duplicates(
            [key for key, _ in places],
            lambda index: places[index][1],
            lambda key: f"published port {key[0]}/{key[1]}",
        )
    )
