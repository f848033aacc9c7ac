"""Images that a reservation's nodes pull before its window, so that a class doesn't wait for them.

A Swarm pulls an image only to run a task. So each image gets a service per node that does nothing,
once; whether the image holds the command doesn't matter, since it is pulled before that shows. A
task that ended, however, is an image that is there; only one that was refused is not. The services
go when the window is over.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache

from policy.model.cluster import Node
from policy.model.execution import Constraint, NodeId
from policy.room import satisfies
from reconciler import canonical
from reconciler.converge import naming, reserving
from reconciler.converge.desired_state import DesiredService, DesiredState
from reconciler.converge.host import Host
from reconciler.converge.plan import Note
from reconciler.converge.state import (
    KIND_PREFETCH,
    LABEL_DEPLOYMENT,
    LABEL_EPOCH,
    LABEL_KIND,
    LABEL_NODE,
    LABEL_SPEC_HASH,
    LABEL_UID,
    ObservedService,
    ObservedState,
    ObservedTask,
    ServiceSpec,
    TaskState,
)
from reconciler.converge.tasks import tasks_of_kind
from reconciler.manifest.platform import Platform, Reservation

RETRY_AFTER = timedelta(minutes=5)
_COMMAND = ("true",)


def desired(
    reservations: Mapping[str, Reservation],
    platform: Platform,
    nodes: Collection[Node],
    observed: ObservedState,
    *,
    host: Host,
    epoch: int,
    now: datetime,
) -> DesiredState:
    """Return the services that pull what open and coming windows need.

    One that was refused some minutes ago is left out for a pass: it goes, and comes again.
    """
    services: dict[str, DesiredService] = {}
    refused = {
        service.spec.name
        for service, task in _refused(observed)
        if now - task.updated_at >= RETRY_AFTER
    }
    for reservation in reservations.values():
        if not reservation.prefetch or not reserving.is_open_or_soon(reservation, now=now):
            continue
        constraints = (*reservation.constraints, *platform.node_selector)
        for node in _takers(nodes, constraints):
            for image in reservation.prefetch:
                spec = _service(host.deployment, image, node.id, epoch)
                if spec.name not in refused:
                    services[spec.name] = DesiredService(spec=spec)
    return DesiredState(services=services)


def notes(observed: ObservedState) -> tuple[Note, ...]:
    """Return which images can't be had, and where."""
    hostnames = {node.id: node.hostname for node in observed.nodes}
    return tuple(
        Note(
            uid="",
            name=service.spec.name,
            reason="PrefetchFailed",
            message=(
                f"{service.spec.image} can't be fetched on "
                f"{hostnames.get(service.spec.node, service.spec.node)}: {task.error}"
            ),
        )
        for service, task in _refused(observed)
    )


def _refused(observed: ObservedState) -> Iterator[tuple[ObservedService, ObservedTask]]:
    for service, tasks in tasks_of_kind(observed, KIND_PREFETCH):
        yield from ((service, task) for task in tasks if task.state is TaskState.REJECTED)


def _takers(nodes: Collection[Node], constraints: Collection[Constraint]) -> list[Node]:
    """Return the nodes that executions of the window may be placed on: workers where there are."""
    able = [node for node in nodes if all(satisfies(node, c) for c in constraints)]
    workers = [node for node in able if not node.is_manager]
    return [node for node in workers or able if node.is_ready and node.is_active]


@lru_cache(maxsize=1024)
def _service(deployment: str, image: str, node: NodeId, epoch: int) -> ServiceSpec:
    return ServiceSpec(
        name=naming.prefetch_name(deployment=deployment, image=image, node=node),
        image=image,
        labels={
            LABEL_DEPLOYMENT: deployment,
            LABEL_KIND: KIND_PREFETCH,
            LABEL_NODE: node,
            LABEL_UID: "",
            LABEL_SPEC_HASH: canonical.digest(image)[:16],
            LABEL_EPOCH: str(epoch),
        },
        node=node,
        entrypoint=_COMMAND,
        pids_limit=16,
    )
