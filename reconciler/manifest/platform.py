"""What operators declare for everybody: the platform, namespaces, reservations, applications.

Complete and in integers, like the executions of ``spec``. Nothing of it is frozen into an
execution but what its resolution took from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from policy.model.execution import Constraint
from policy.model.resources import NOTHING, Resources
from policy.model.tenant import Amounts
from policy.settings import PolicySettings
from reconciler.manifest.membership import Member, Trust
from reconciler.manifest.spec import DEFAULT_RESERVATIONS, Window


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyTarget:
    """Where notifications may go. ``namespaces`` may use it (empty = any).

    ``type`` is webhook (to ``url``), slack (its address is a secret, so a setting) or email.
    """

    name: str
    type: str
    url: str = ""
    recipients: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Namespace:
    """An owner of executions. ``uid`` and ``gid`` own its workspace.

    ``guaranteed`` and ``maximum`` are its quota (see ``policy.model.tenant``);
    ``maximum_executions`` 0 = no bound; ``maximum_lifetime_ms`` None = the platform's.
    ``shows_logs``: whoever may see the page may read what its executions write. ``sources`` are
    the tenants' repositories that may hold its executions, beside the platform's.
    ``gateway_http`` and ``gateway_socks``: what a gateway may offer where there are any.
    """

    name: str
    uid: int = 1000
    gid: int = 1000
    secrets: tuple[str, ...] = ()
    is_current: bool = True
    weight: int = 1
    cohort: str = ""
    guaranteed: Amounts = ()
    maximum: Amounts = ()
    maximum_executions: int = 0
    maximum_lifetime_ms: int | None = None
    members: tuple[Member, ...] = ()
    shows_logs: bool = False
    sources: tuple[str, ...] = ()
    gateway_http: bool = True
    gateway_socks: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """Capacity kept for a window (``reservations/<name>.yaml``).

    ``slots`` times ``slot``, each whole on one node that meets ``constraints``; no slots = those
    nodes altogether. ``namespaces`` may use it (empty = any); ``prefetch`` are images that its
    nodes pull before.
    """

    name: str
    window: Window
    slots: int = 0
    slot: Resources = NOTHING
    constraints: tuple[Constraint, ...] = ()
    namespaces: tuple[str, ...] = ()
    prefetch: tuple[str, ...] = ()
    is_current: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceDefaults:
    """What a namespace has that a set names and nobody declared: ``terms``, and ids of its own.

    Its uid is one of ``uids`` (the lowest and the highest); ``gid`` 0 = the same as the uid.
    """

    terms: Namespace
    uids: tuple[int, int] = (1000, 1000)
    gid: int = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorityClass:
    """A named rank; higher values go first.

    An execution of a ``preemptible`` class may be stopped whole for one of a higher class. A
    ``filler`` runs only in what is left and yields to everybody.
    """

    name: str
    value: int
    preemptible: bool = False
    filler: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """What the operator set for everybody. Milliseconds, bytes, milli-CPUs.

    ``published_ports`` are the first and last port that manifests may fix; (0, 0) = none.
    ``secret_recipients`` are what people encrypt to, for ``secret_deployment``.
    ``policy`` leaves headroom and node selector to the fields of that name. Outside of
    ``change_windows`` (if there are any) nothing that runs is changed or removed by an edit.
    """

    policy: PolicySettings = field(default_factory=PolicySettings)
    headroom: Resources = NOTHING
    node_selector: tuple[Constraint, ...] = ()
    priority_classes: tuple[PriorityClass, ...] = (
        PriorityClass(name="filler", value=-100, preemptible=True, filler=True),
        PriorityClass(name="low", value=-10),
        PriorityClass(name="normal", value=0),
        PriorityClass(name="high", value=10),
    )
    default_reservations: Resources = DEFAULT_RESERVATIONS
    default_lifetime_ms: int | None = None
    maximum_lifetime_ms: int | None = None
    maximum_replicas: int = 256
    image_allow: tuple[str, ...] = ()
    image_rewrite: tuple[tuple[str, str], ...] = ()
    baseline_zapps: tuple[str, ...] = ()
    baseline_images: tuple[str, ...] = ()
    published_ports: tuple[int, int] = (0, 0)
    start_timeout_ms: int = 600_000
    suspend: bool = False
    change_windows: tuple[Window, ...] = ()
    notify_targets: tuple[NotifyTarget, ...] = ()
    trust: Trust = field(default_factory=Trust)
    namespace_defaults: NamespaceDefaults | None = None
    secret_recipients: tuple[str, ...] = ()
    secret_deployment: str = "zoe"  # noqa: S105 - a name
    is_current: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ZAppSummary:
    """What the catalogue shows of a ZApp. ``parameters`` are the declarations as written."""

    name: str
    title: str
    path: str
    type: str = ""
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
