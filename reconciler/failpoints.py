"""Named points at which a test can kill, break or delay this process. Inert everywhere else.

A pass can be cut off between any two of its effects. The sixteen gaps that differ have a name
each; code that has just passed one says so with :func:`reach`, which reads one variable and
returns. Only ``ZOE_FAILPOINTS``, meant for tests, or a test's own hook makes more of it.
"""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from reconciler.errors import ConfigError

VARIABLE = "ZOE_FAILPOINTS"


class Point(StrEnum):
    """Where a pass can be cut off, in the order in which a life passes them."""

    GIT_RECEIVED = "git.received"
    """K1: objects were fetched, the ref isn't moved."""
    GIT_FETCHED = "git.fetched"
    """K2: the ref is moved, the commit isn't accepted."""
    MANIFESTS_READ = "manifests.read"
    """K3: files are parsed and resolved, nothing is decided."""
    PLAN_MADE = "plan.made"
    """K4: the plan is made, nothing is written."""
    INTENT_COMMITTED = "intent.committed"
    """K5: an attempt is intended, nothing of it is there."""
    NETWORK_CREATE = "network.create"
    """K6: before a network is made."""
    NETWORK_CREATED = "network.created"
    """K7: a network is made, no service is on it."""
    SERVICE_CREATE = "service.create"
    """K8: before a service is made."""
    SERVICE_CREATED = "service.created"
    """K9: a service is made, that it started isn't recorded."""
    SERVICES_PARTLY_CREATED = "services.partly_created"
    """K10: some of a pass's services are made."""
    START_COMMITTED = "start.committed"
    """K11: it is recorded that an attempt started."""
    RESULT_READ = "result.read"
    """K12: an exit code and the log's end are read, not stored."""
    RESULT_COMMITTED = "result.committed"
    """K13: the result is stored, the service is still there."""
    SERVICE_REMOVED = "service.removed"
    """K14: a service is removed, nothing says so."""
    STATUS_PREPARED = "status.prepared"
    """K15: the status commit is made here, not pushed."""
    STATUS_PUSHED = "status.pushed"
    """K16: the status is pushed, that it was isn't recorded."""


Hook = Callable[[Point], object]
"""Called at each point by whichever thread gets there; may raise."""


class Provoked(Exception):
    """A fault that ``raise`` was asked for: one that nobody expects."""


# The one module state here: a point in an adapter has nobody to ask whether it is armed.
_hook: Hook | None = None


def reach(point: Point) -> None:
    """Say that this process has come to a point."""
    if _hook is not None:
        _hook(point)


@contextmanager
def hooked(hook: Hook) -> Iterator[None]:
    """Have ``hook`` called at every point while this lasts, in whatever thread."""
    global _hook
    before, _hook = _hook, hook
    try:
        yield
    finally:
        _hook = before


@contextmanager
def armed(
    environ: Mapping[str, str] | None = None, *, at_work_for: int | None = None
) -> Iterator[None]:
    """Do at the points what the variable says while this lasts; without it nothing at all.

    A process ``at_work_for`` another one takes that one along: it is killed with it, or stopped.

    Raises:
        ConfigError: The variable names no such point or action.
    """
    text = (os.environ if environ is None else environ).get(VARIABLE, "")
    if not text:
        yield
        return
    with hooked(Orders.parse(text, at_work_for=at_work_for)):
        yield


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to do when a point is reached for the ``on_hit``-th time in this process."""

    point: Point
    action: str
    seconds: float = 0
    on_hit: int = 1


_ORDER = re.compile(
    r"(?P<point>[a-z_.]+)=(?P<action>kill9|raise|stop|hang|sleep:(?P<seconds>\d+(\.\d+)?))"
    r"(@(?P<hit>[1-9]\d*))?"
)


class Orders:
    """A hook that counts how often each point is reached and acts when it is time. Any thread."""

    def __init__(self, *orders: Order, at_work_for: int | None = None) -> None:
        self._process = os.getpid() if at_work_for is None else at_work_for
        self._orders = {(order.point, order.on_hit): order for order in orders}
        self._hits = dict.fromkeys(Point, 0)
        self._lock = threading.Lock()

    @classmethod
    def parse(cls, text: str, *, at_work_for: int | None = None) -> Orders:
        """Read ``point=action[@hit]``, separated by commas; raises ConfigError.

        Actions are ``kill9``, ``raise``, ``stop`` (until a SIGCONT), ``hang`` and
        ``sleep:SECONDS``.
        """
        orders = (_order(part.strip()) for part in text.split(","))
        return cls(*orders, at_work_for=at_work_for)

    def __call__(self, point: Point) -> None:
        """Count, and do what was ordered for this time."""
        with self._lock:
            self._hits[point] += 1
            order = self._orders.get((point, self._hits[point]))
        if order is not None:
            _carry_out(order, self._process)


def _order(text: str) -> Order:
    found = _ORDER.fullmatch(text)
    if found is None or found["point"] not in set(Point):
        raise ConfigError(
            f"{VARIABLE} (for tests only; unset it) has no such order: {text}; write "
            f"POINT=kill9|raise|stop|hang|sleep:SECONDS[@HIT], POINT one of {', '.join(Point)}"
        )
    return Order(
        point=Point(found["point"]),
        action=found["action"].partition(":")[0],
        seconds=float(found["seconds"] or 0),
        on_hit=int(found["hit"] or 1),
    )


def _carry_out(order: Order, process: int) -> None:
    match order.action:
        case "kill9":
            os.kill(process, signal.SIGKILL)
            os.kill(os.getpid(), signal.SIGKILL)
        case "stop":
            os.kill(process, signal.SIGSTOP)
        case "raise":
            raise Provoked(f"a fault at {order.point}, as {VARIABLE} asked for")
        case _:  # a hang is a sleep without an end
            threading.Event().wait(order.seconds or None)
