"""One process that leads or stands by, as ``reconciler.lead`` does it, step by step."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from reconciler import lead, wire
from reconciler.cluster.fake import VirtualClock
from reconciler.cluster.fake.agenda import to_ms
from reconciler.config import Settings
from reconciler.errors import DatabaseBehind, LeaseLost, StoreUnavailable, TransientError
from reconciler.loop import Loop
from reconciler.outside import Outside
from reconciler.ports import Lease
from reconciler.report import Report
from tests.safety.simulation.clocks import HostClock
from tests.safety.simulation.repository import BranchSeen
from tests.safety.simulation.tenancy import tenants
from tests.safety.simulation.weather import Crash, Port, Weather

KEY = b"k" * 32
TTL_S = 30


class Inline(Executor):
    """Does work at once: nothing goes on beside the one thread."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Do it; a crash unwinds all of it."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - as any executor does
            future.set_exception(error)
        return future


@dataclass
class Parts:
    """What processes share: the world behind the ports."""

    settings: Settings
    clock: VirtualClock
    cluster: Any
    source: Any
    tenants: tuple[Any, ...]
    branch: Any
    store: Any
    watch: Any
    weather: Weather


@dataclass
class Process:
    """One ``zoe run``. After a crash the next step is that of a new process of another name."""

    parts: Parts
    name: str
    report: Report | None = None
    passes: int = 0
    accusations: list[str] = field(default_factory=list)
    """Of the database, which lacks nothing in any world."""
    _lives: int = 0
    _lease: Lease | None = None
    _loop: Loop | None = None
    _renewed_at: datetime | None = None
    _stack: ExitStack = field(default_factory=ExitStack)
    clock: HostClock = field(init=False)
    _branch: BranchSeen = field(init=False)

    def __post_init__(self) -> None:
        """Have a clock of its own, and a disk."""
        self.clock = HostClock(self.parts.clock)
        self._branch = BranchSeen(self.parts.branch)

    @property
    def leads(self) -> bool:
        """Whether it believes that it leads."""
        return self._loop is not None

    @property
    def is_quiet(self) -> bool:
        """Whether its last pass came to its end, did nothing, and waits for nothing."""
        made = self.report
        return made is not None and not (made.outcomes or made.facts or made.is_moving)

    @property
    def is_dirty(self) -> bool:
        """Whether something waits to be pushed."""
        return self._loop is None or self._loop.publisher.is_dirty

    def step(self) -> Report | None:
        """Lead for one pass, or stand by; return what the pass did if it came to its end."""
        self.report = None
        weather = self.parts.weather
        try:
            if self._loop is None:
                self._begin()
            if self._loop is not None:
                self._pass(self._loop)
        except Crash:
            weather.note(f"{self.name} is gone")
            self._lives += 1
            self._forget()
        except (LeaseLost, StoreUnavailable) as error:
            weather.note(f"{self.name} leads no more: {error}")
            self._forget()
        except DatabaseBehind as error:
            self.accusations.append(f"{self.name}: a sound database is refused: {error}")
            self._forget()
        except TransientError as error:
            weather.note(f"{self.name}: pass failed: {error}")
            if self._loop is None:
                self._forget()
        return self.report

    def close(self) -> None:
        """End it."""
        self._forget()

    def _begin(self) -> None:
        parts = self.parts
        store = Port("store", parts.store, parts.weather, parts.watch.of_store)
        lease = store.acquire_lease(f"{self.name}{self._lives}", ttl_s=TTL_S)
        if lease is None:
            return
        parts.weather.note(f"{self.name} leads, epoch {lease.epoch}")
        seen = parts.watch.of_cluster(lease.epoch)
        groups = [Port("tenant", source, parts.weather) for source in parts.tenants]
        outside = Outside(
            clock=self.clock,
            tenants=tenants(parts.settings, groups),
            source=Port("source", parts.source, parts.weather),
            cluster=Port("cluster", parts.cluster, parts.weather, seen),
            sink=Port("branch", self._branch, parts.weather),
            key=KEY,
            side=lambda _: Inline(),
            elapsed_s=lambda: to_ms(parts.clock.now()) / 1000,
        )
        built = wire.loop_in(outside, parts.settings, lease, store)
        loop = self._stack.enter_context(built)
        lead.begin(loop, key=KEY, ttl_s=TTL_S)
        self._loop, self._renewed_at = loop, parts.clock.now()

    def _pass(self, loop: Loop) -> None:
        now = self.parts.clock.now()
        if self._renewed_at is None or now - self._renewed_at > timedelta(seconds=TTL_S / 3):
            loop.lease = loop.store.renew_lease(loop.lease, ttl_s=TTL_S)
            self._renewed_at = now
        self.parts.weather.note(f"{self.name} makes a pass")
        loop.tenants.lookout.look_now()
        # Each other pass is one that nobody asked for: it reads only what isn't told of.
        self.report = loop.reconcile(fetch=self.passes % 2 == 0)
        self.passes += 1

    def _forget(self) -> None:
        self._loop, self._lease = None, None
        self._stack = ExitStack()
