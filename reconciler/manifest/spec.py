"""Resolved manifests: what an author asked for, complete and in integers.

These types are frozen into the database at admission and their canonical JSON is hashed
(``spec_hash``), so the form is a contract: a new field needs a default that means "as before",
since fields at their default are left out of the canonical form (see ``reconciler.canonical``).
Nothing here knows of nodes, grants, policy versions or Docker's API.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from policy.model.execution import ApplicationType, Constraint, Uid
from policy.model.resources import NOTHING, Resources
from reconciler.manifest.idle import Idle
from reconciler.manifest.secret_mount import SecretMount

DEFAULT_RESERVATIONS = Resources(cpu_millis=100, memory_bytes=128 * 1024**2)
"""What a service has set aside where neither it nor the platform says so."""


class DependsCondition(StrEnum):
    """When a dependency counts as met."""

    STARTED = "service_started"
    HEALTHY = "service_healthy"
    COMPLETED = "service_completed_successfully"


class UpdateMode(StrEnum):
    """Whether a live execution follows edits of its ZApp and Platform."""

    NEVER = "never"
    AUTO = "auto"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """A service of the same execution that must be up first."""

    service: str
    condition: DependsCondition = DependsCondition.HEALTHY


@dataclass(frozen=True, slots=True, kw_only=True)
class Healthcheck:
    """As in Compose. ``test`` starts with CMD or CMD-SHELL."""

    test: tuple[str, ...]
    interval_ms: int = 10_000
    timeout_ms: int = 5_000
    start_period_ms: int = 0
    retries: int = 3


class Route(StrEnum):
    """How the namespace's gateway leads to an http port (``manifest.routes``)."""

    STRIP = "strip"
    KEEP = "keep"
    SOCKS = "socks"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """A port that a service listens on. ``published`` 0 = the node chooses."""

    name: str
    target: int
    protocol: str = "tcp"
    app_protocol: str = ""
    path: str = ""
    mode: str = "host"
    published: int = 0
    route: Route = Route.STRIP


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """A mount: the namespace's ``workspace`` or a shared volume that Platform names."""

    type: str
    target: str
    source: str = ""
    read_only: bool = False

    @property
    def storage(self) -> str:
        """The name of the storage that it mounts."""
        return self.source or self.type


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A blob of the same commit, delivered as a config. ``content_hash`` is its sha256 (hex)."""

    source: str
    blob: str
    content_hash: str
    target: str
    mode: int = 0o444


@dataclass(frozen=True, slots=True, kw_only=True)
class Ulimit:
    """A process limit, as in Compose."""

    name: str
    soft: int
    hard: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tmpfs:
    """A memory file system; ``size_bytes`` 0 = the engine's default."""

    target: str
    size_bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A component, resolved. ``command`` None = the image's own."""

    name: str
    image: str
    command: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    environment: tuple[tuple[str, str], ...] = ()
    user: str = ""
    working_dir: str = ""
    healthcheck: Healthcheck | None = None
    depends_on: tuple[Dependency, ...] = ()
    ports: tuple[Port, ...] = ()
    volumes: tuple[Volume, ...] = ()
    secrets: tuple[SecretMount, ...] = ()
    files: tuple[File, ...] = ()
    tmpfs: tuple[Tmpfs, ...] = ()
    shm_bytes: int = 0
    ulimits: tuple[Ulimit, ...] = ()
    stop_grace_ms: int = 10_000
    labels: tuple[tuple[str, str], ...] = ()
    core: int = 1
    maximum: int = 1
    reservations: Resources = NOTHING
    limits: Resources = NOTHING
    pids_limit: int = 4096
    constraints: tuple[Constraint, ...] = ()
    spread: str = ""
    max_per_node: int = 0
    completes: bool = False
    security_profile: str = "restricted"
    revocable: bool = True
    speedup: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class After:
    """An execution of the same namespace that must come first."""

    name: str
    when: str = "succeeded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retries:
    """How often a batch attempt is tried again, by cause. ``no_retry`` are exit codes."""

    failure: int = 0
    node_lost: int = 1
    no_retry: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionSpec:
    """What runs. Frozen at admission. Durations are milliseconds; None = no bound."""

    type: ApplicationType
    services: tuple[Service, ...]
    zapp: str = ""
    priority: str = "normal"
    priority_value: int = 0
    size: str = ""
    lifetime_ms: int | None = None
    queue_timeout_ms: int | None = None
    after: tuple[After, ...] = ()
    retries: Retries = Retries()
    is_preemptible: bool = False
    is_filler: bool = False
    reservation: str = ""
    not_before: datetime | None = None
    idle: Idle | None = None
    logs_kept_in: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetSpec:
    """Who an ExecutionSet is, and how its executions go together.

    ``namespace`` is "" for a set over many. At most ``parallel`` are under way at a time (0 = all),
    ``stagger_ms`` lie between two starts, and when more than ``max_failed`` have failed (None = any
    number), no further one is started. One that ``repeats`` starts again what has ended.
    """

    namespace: str
    name: str
    parallel: int = 0
    max_failed: int | None = None
    stagger_ms: int = 0
    repeats: bool = False

    @property
    def full_name(self) -> str:
        """What people call it."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """Which item of a set an execution was made for. ``index`` orders; it is no identity."""

    set: SetSpec
    key: str
    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SetSummary:
    """A set in force: how many executions it asks for, and which of them can't be, and why."""

    spec: SetSpec
    path: str
    line: int
    total: int
    refused: tuple[tuple[str, str, str], ...] = ()


class Overlap(StrEnum):
    """What happens to a scheduled run that is due while the one before hasn't ended."""

    FORBID = "forbid"
    ALLOW = "allow"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When an execution runs again and again: five cron fields in a time zone.

    A run that couldn't be queued within ``start_deadline_ms`` of its time is left out (None: it
    is queued however late, but only the newest of those missed). ``keep`` ended runs stay known.
    """

    cron: str
    timezone: str = "UTC"
    overlap: Overlap = Overlap.FORBID
    start_deadline_ms: int | None = None
    keep: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A time span: once, from ``start``, or at every time of ``cron`` in ``timezone``."""

    duration_ms: int
    start: datetime | None = None
    cron: str = ""
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """Who is told of which transitions: ``to`` is a target's name."""

    on: tuple[str, ...]
    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a manifest comes from: for permalinks and for telling people who did what."""

    source_id: str
    path: str
    line: int
    blob: str
    commit: str
    author: str = ""
    committed_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """An Execution document, resolved: one run that somebody wants.

    ``document_hash`` covers only what the Execution document itself means (generation rises with
    it); ``spec_hash`` the whole resolved spec. ``spec`` is None where the document is readable
    but can't be resolved now (its ZApp is gone or broken): the last good spec stays in force.
    ``is_current`` is False where the file's newest content is invalid and this is its last good
    version. ``suspend`` and ``notify`` aren't part of the spec: they can be changed for ever.
    ``item`` says of which set it is a member.
    """

    uid: Uid
    namespace: str
    name: str
    run: int
    origin: Origin
    document_hash: str
    spec: ExecutionSpec | None
    spec_hash: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    suspend: bool = False
    update: UpdateMode = UpdateMode.NEVER
    is_current: bool = True
    schedule: Schedule | None = None
    notify: tuple[Notification, ...] = ()
    item: Item | None = None

    @property
    def repeats(self) -> bool:
        """Whether it is started again whenever it has ended."""
        return self.item is not None and self.item.set.repeats

    @property
    def recurs(self) -> bool:
        """Whether it stands for runs that begin by themselves: by a schedule or one by one."""
        return self.schedule is not None or self.repeats
