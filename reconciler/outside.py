"""What a loop is built around beside its store, so that it can be built around something else."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field

from reconciler.clock import elapsed_s
from reconciler.ports import Clock, Cluster, Source
from reconciler.publishing.status_sink import StatusSink
from reconciler.side import one_thread
from reconciler.source.tenants import Tenants


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """The ports of a loop, the installation's key, and where work beside it is done.

    ``side`` returns an executor for work of that name; each has one thread at most.
    """

    clock: Clock
    source: Source
    cluster: Cluster
    sink: StatusSink
    key: bytes
    tenants: Tenants = field(default_factory=Tenants)
    side: Callable[[str], Executor] = one_thread
    elapsed_s: Callable[[], float] = elapsed_s
