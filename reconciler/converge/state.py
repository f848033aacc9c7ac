"""What should run and what does: services, networks, configs and secrets as values.

A :class:`ServiceSpec` holds every field that we ever set on a Swarm service and nothing else;
the adapter translates it to the API and back, so that what we set can be compared with what is
there. Whatever the daemon adds by itself has no place here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum

from policy.model.execution import NodeId
from policy.model.resources import NOTHING, Resources
from reconciler import canonical

LABEL_DEPLOYMENT = "zoe.deployment"
LABEL_NAMESPACE = "zoe.namespace"
LABEL_EXECUTION = "zoe.execution"
LABEL_UID = "zoe.uid"
LABEL_RUN = "zoe.run"
LABEL_GENERATION = "zoe.generation"
LABEL_ATTEMPT = "zoe.attempt"
LABEL_COMPONENT = "zoe.component"
LABEL_NODE = "zoe.node"
LABEL_SECRET = "zoe.secret"  # noqa: S105 - a label's name
LABEL_KIND = "zoe.kind"
LABEL_STORAGE = "zoe.storage"
LABEL_KEPT_AS = "zoe.kept-as"
LABEL_SPEC_HASH = "zoe.spec-hash"
LABEL_APPLIED_HASH = "zoe.applied-hash"
LABEL_EPOCH = "zoe.epoch"
LABEL_GATEWAY_PORT = "zoe.gateway-port"
LABEL_STACK = "com.docker.stack.namespace"

KIND_INIT = "init"
KIND_PREFETCH = "prefetch"
KIND_GATEWAY = "gateway"
KIND_KEEP = "keep"
KIND_SECRET = "secret"  # noqa: S105 - a label's value

KINDS_OF_NOBODY = frozenset({KIND_GATEWAY, KIND_INIT, KIND_KEEP, KIND_PREFETCH})
"""Services that are for several executions: no uid, so nobody can be missing that knows them."""


class RestartCondition(StrEnum):
    """When Swarm itself starts a task anew."""

    NONE = "none"
    ON_FAILURE = "on-failure"
    ANY = "any"


@dataclass(frozen=True, slots=True, kw_only=True)
class Restart:
    """Swarm's restart policy. ``max_attempts`` 0 = no bound; ``window_ms`` counts them."""

    condition: RestartCondition = RestartCondition.NONE
    delay_ms: int = 5_000
    max_attempts: int = 0
    window_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A mount: ``bind`` (source: a host path), ``volume`` (its name) or ``tmpfs`` (its size)."""

    type: str
    target: str
    source: str = ""
    read_only: bool = False
    size_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReference:
    """A config or secret delivered as a file, by name (the adapter knows its id)."""

    name: str
    target: str
    uid: str = "0"
    gid: str = "0"
    mode: int = 0o444


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthProbe:
    """Swarm's health check; a task is RUNNING only once it passed."""

    test: tuple[str, ...]
    interval_ms: int
    timeout_ms: int
    start_period_ms: int
    retries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkAttachment:
    """A network, by name (the adapter knows its id), with our names on it."""

    network: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedPort:
    """A port on the node (``mode`` host) or the routing mesh (ingress). ``published`` 0 = any."""

    name: str
    target: int
    published: int = 0
    protocol: str = "tcp"
    mode: str = "host"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessLimit:
    """A ulimit."""

    name: str
    soft: int
    hard: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSpec:
    """One group as a Swarm service: a component on a node, ``replicas`` times.

    ``labels`` are ours and on the service; ``container_labels`` the author's and on its tasks'
    containers, sorted by name.
    """

    name: str
    image: str
    labels: Mapping[str, str]
    node: NodeId
    replicas: int = 1
    command: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    environment: tuple[tuple[str, str], ...] = ()
    user: str = ""
    working_dir: str = ""
    hostname: str = ""
    container_labels: tuple[tuple[str, str], ...] = ()
    mounts: tuple[Mount, ...] = ()
    configs: tuple[FileReference, ...] = ()
    secrets: tuple[FileReference, ...] = ()
    health: HealthProbe | None = None
    stop_grace_ms: int = 10_000
    reservations: Resources = NOTHING
    limits: Resources = NOTHING
    pids_limit: int = 0
    ulimits: tuple[ProcessLimit, ...] = ()
    capabilities_add: tuple[str, ...] = ()
    capabilities_drop: tuple[str, ...] = ("ALL",)
    restart: Restart = Restart()
    networks: tuple[NetworkAttachment, ...] = ()
    ports: tuple[PublishedPort, ...] = ()
    log_max_size: str = "10m"
    log_max_files: int = 3

    @property
    def applied_hash(self) -> str:
        """Digest of every field but labels and replicas: tells a change by hand from ours.

        Labels hold this very digest, and scaling is compared by number.
        """
        applied = {name: getattr(self, name) for name in _APPLIED}
        return canonical.digest(ServiceSpec(labels={}, **applied))[:16]


_APPLIED = tuple(f.name for f in fields(ServiceSpec) if f.name not in ("labels", "replicas"))


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSpec:
    """An overlay network of ours."""

    name: str
    labels: Mapping[str, str]
    is_encrypted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigSpec:
    """A Swarm config: immutable, so its name holds a digest of ``data``."""

    name: str
    labels: Mapping[str, str]
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretSpec:
    """A Swarm secret: immutable, so its name changes with ``data``, which the Swarm never shows."""

    name: str
    labels: Mapping[str, str]
    data: bytes = field(repr=False)


class TaskState(StrEnum):
    """Swarm's task states, in their order of life."""

    NEW = "new"
    ALLOCATED = "allocated"
    PENDING = "pending"
    ASSIGNED = "assigned"
    ACCEPTED = "accepted"
    PREPARING = "preparing"
    READY = "ready"
    STARTING = "starting"
    RUNNING = "running"
    COMPLETE = "complete"
    SHUTDOWN = "shutdown"
    FAILED = "failed"
    REJECTED = "rejected"
    REMOVE = "remove"
    ORPHANED = "orphaned"


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedPort:
    """Where a task's port can be reached on its node."""

    target: int
    published: int
    protocol: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedTask:
    """A task as Swarm lists it. ``error`` is the engine's text; no ``exit_code`` until it ended.

    ``container`` is the id of its container; "" before there is one.
    ``addresses`` are its own on the overlay networks that it is attached to. ``is_cut_off``: the
    Swarm stopped it because its node was away (``losses``).
    """

    id: str
    service_id: str
    node: NodeId | None
    slot: int
    state: TaskState
    desired_state: TaskState
    created_at: datetime
    updated_at: datetime
    error: str = ""
    exit_code: int | None = None
    container: str = ""
    reservations: Resources = NOTHING
    host_ports: tuple[ObservedPort, ...] = ()
    addresses: tuple[str, ...] = ()
    is_cut_off: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedService:
    """A service of this deployment: its spec read back into our terms, with its version.

    ``version`` must accompany an update (compare and swap). ``is_drifted`` tells whether a field
    that we set differs from what we set: every pass asks, of objects that hardly ever change.
    """

    id: str
    version: int
    spec: ServiceSpec
    created_at: datetime
    update_state: str = ""
    is_drifted: bool = field(init=False)

    def __post_init__(self) -> None:
        """Compare with the digest of what was applied."""
        is_drifted = self.spec.applied_hash != self.spec.labels.get(LABEL_APPLIED_HASH)
        object.__setattr__(self, "is_drifted", is_drifted)


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedNetwork:
    """A network with our deployment label."""

    id: str
    name: str
    labels: Mapping[str, str]
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedFile:
    """A config with our label, or any secret (granted ones aren't ours). Never its content."""

    id: str
    name: str
    labels: Mapping[str, str]
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedNode:
    """A machine of the Swarm. ``address`` is where its host ports can be reached.

    ``is_heard``: the manager in charge has heard from it. ``is_awaited``: it is down, but may
    only not have found the manager again (``losses``).
    """

    id: NodeId
    hostname: str
    address: str
    capacity: Resources
    labels: Mapping[str, str]
    engine_labels: Mapping[str, str]
    os: str
    architecture: str
    is_manager: bool
    is_ready: bool
    is_active: bool
    updated_at: datetime
    engine_version: str = ""
    is_heard: bool = True
    is_awaited: bool = False

    @property
    def is_lost(self) -> bool:
        """Whether what ran there is to be written off."""
        return not (self.is_ready or self.is_awaited)


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedState:
    """One complete reading of the Swarm.

    There is no such thing as an incomplete one: the adapter raises ClusterUnavailable instead.
    ``services`` are ours (by deployment label), ``foreign_names`` the names of all other
    services; ``tasks`` are those of every service, foreign ones too, since they reserve room.
    Readings of one ``watch`` have no break of the connection between them; None: a break within.
    """

    taken_at: datetime
    nodes: tuple[ObservedNode, ...]
    services: tuple[ObservedService, ...]
    tasks: tuple[ObservedTask, ...]
    networks: tuple[ObservedNetwork, ...]
    configs: tuple[ObservedFile, ...]
    secrets: tuple[ObservedFile, ...]
    foreign_names: frozenset[str] = frozenset()
    foreign_stacks: frozenset[str] = frozenset()
    watch: int | None = 0
