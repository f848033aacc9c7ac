"""The cluster, the queue, who owns what and what the calendar holds, frozen at one time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from policy.model.execution import Execution, NodeId
from policy.model.reservation import Reservation
from policy.model.resources import NOTHING, Resources
from policy.model.tenant import Tenant


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A machine of the cluster.

    ``capacity`` is all it has; ``reserved`` what tasks that no admitted execution of the
    snapshot accounts for have reserved (other people's stacks; not what is on its way out);
    ``taken_ports`` the host ports of such tasks. Labels are ``node.labels``; ``engine_labels``
    the engine's own.
    """

    id: NodeId
    hostname: str
    capacity: Resources
    reserved: Resources = NOTHING
    taken_ports: frozenset[tuple[int, str]] = frozenset()
    labels: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    engine_labels: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    os: str = "linux"
    architecture: str = ""
    is_manager: bool = False
    is_ready: bool = True
    is_active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything a decision depends on but the settings. ``now_ms`` counts from the epoch.

    A namespace without a tenant has no quota and weight 1. ``reservations`` are windows that are
    open or still to come, each occurrence of a recurring one by itself.
    """

    now_ms: int
    nodes: tuple[Node, ...]
    executions: tuple[Execution, ...]
    tenants: tuple[Tenant, ...] = ()
    reservations: tuple[Reservation, ...] = ()
