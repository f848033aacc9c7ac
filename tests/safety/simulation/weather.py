"""What ports do to a process: which fault comes at which call, by the seed alone.

Every call of every port passes through :class:`Weather`, and every failpoint.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import Any

from reconciler.cluster.fake import VirtualClock
from reconciler.errors import (
    ClusterUnavailable,
    ReconcilerError,
    SourceUnavailable,
    StoreUnavailable,
)
from reconciler.failpoints import Point


class Crash(BaseException):
    """The process is gone, there and then."""


class Fault(StrEnum):
    """What can happen at a call."""

    CRASH_BEFORE = "crash before"
    CRASH_AFTER = "crash after"
    ERROR = "error, nothing done"
    LOST = "done, reply lost"
    LATE = "late"
    PAUSE = "paused, the other one goes on"
    STALE = "an older reading"


PORTS = {
    "store": StoreUnavailable,
    "cluster": ClusterUnavailable,
    "source": SourceUnavailable,
    "tenant": SourceUnavailable,
    "branch": SourceUnavailable,
}
_WRITES = ("create_", "update_", "remove_")
_CRASHES_ONLY = frozenset({Point.SERVICE_CREATE, Point.NETWORK_CREATE})
"""These come between the look at the lease and the call."""
_LATE_MS = (50, 700, 4_000, 12_000, 45_000)
_PAUSE_MS = (12_000, 45_000, 45_000, 300_000)
_TELLING = ("store.commit", "store.renew_lease", "cluster.", "branch.", "source.fetch")
_EFFECTS = frozenset(
    {
        Point.INTENT_COMMITTED,
        Point.SERVICE_CREATED,
        Point.SERVICES_PARTLY_CREATED,
        Point.SERVICE_REMOVED,
        Point.NETWORK_CREATED,
        Point.STATUS_PREPARED,
        "branch.publish",
    }
)
_READINGS = 4
_MORE = 3
"""Where a fault tells most, it is drawn so much more often; between effects, that again."""


@dataclass
class Weather:
    """The faults of one seed. ``odds`` are those of a fault at one call; 0 = calm."""

    clock: VirtualClock
    chance: Random
    odds: float
    left_out: Collection[int] = ()
    readings: deque[Any] = field(default_factory=lambda: deque(maxlen=_READINGS))
    """Of the cluster, by whomever."""
    calls: int = 0
    faults: int = 0
    trace: list[str] = field(default_factory=list)
    let_other_go_on: Callable[[], None] = lambda: None
    _is_paused: bool = False
    _was_stale: bool = False
    """No two older readings follow one another: none is believed for as long as that may last."""

    def call(self, port: str, method: str, do: Callable[[], Any]) -> Any:
        """Make a call, or let happen to it what is to happen."""
        match self._drawn(f"{port}.{method}", lambda: self._of_call(method)):
            case Fault.CRASH_BEFORE:
                raise Crash
            case Fault.CRASH_AFTER:
                do()
                raise Crash
            case Fault.ERROR:
                raise _error(port, method)
            case Fault.LOST:
                do()
                raise _error(port, method)
            case Fault.STALE:
                self._was_stale = True
                return self.chance.choice(self.readings)
            case Fault.PAUSE:
                self._pause()
            case Fault.LATE:
                answer = do()
                self._be_late()
                return answer
        answer = do()
        if method == "observe":
            self.readings.append(answer)
            self._was_stale = False
        return answer

    def reach(self, point: Point) -> None:
        """Let something happen at a failpoint."""
        match self._drawn(point, lambda: _of_point(point)):
            case Fault.CRASH_BEFORE:
                raise Crash
            case Fault.LATE:
                self._be_late()
            case Fault.PAUSE:
                self._pause()

    def note(self, what: str) -> None:
        """Write a line of the trace."""
        self.trace.append(f"{self.clock.now():%H:%M:%S.%f} {what}"[: -0 or None])

    def _drawn(self, where: str, kinds_of: Callable[[], list[Fault]]) -> Fault | None:
        self.calls += 1
        draw, which = self.chance.random(), self.chance.random()
        is_telling = isinstance(where, Point) or where.startswith(_TELLING)
        odds = self.odds * (_MORE if is_telling else 1) * (_MORE if where in _EFFECTS else 1)
        if draw >= odds:
            return None
        self.faults += 1
        kinds = kinds_of()
        fault = kinds[int(which * len(kinds))]
        if self.faults in self.left_out or (fault is Fault.PAUSE and self._is_paused):
            return None
        self.note(f"   fault {self.faults}: {where}: {fault}")
        return fault

    def _of_call(self, method: str) -> list[Fault]:
        kinds = [*Fault]
        if method.startswith(_WRITES):
            kinds.remove(Fault.PAUSE)
        kinds.remove(Fault.STALE)
        if method == "observe" and self.readings and not self._was_stale:
            kinds += [Fault.STALE] * len(kinds)
        return kinds

    def _be_late(self) -> None:
        self.clock.advance(self.chance.choice(_LATE_MS))

    def _pause(self) -> None:
        self._is_paused = True
        try:
            self.clock.advance(self.chance.choice(_PAUSE_MS))
            self.let_other_go_on()
        finally:
            self._is_paused = False


def _of_point(point: Point) -> list[Fault]:
    if point in _CRASHES_ONLY:
        return [Fault.CRASH_BEFORE]
    return [Fault.CRASH_BEFORE, Fault.LATE, Fault.PAUSE, Fault.PAUSE]


def _error(port: str, method: str) -> ReconcilerError:
    return PORTS[port](f"{method}: no answer")


class Port:
    """A port as one process sees it: every call of it may meet a fault."""

    def __init__(
        self,
        name: str,
        behind: Any,
        weather: Weather,
        seen: Callable[[str, tuple[Any, ...], Callable[[], Any]], Any] | None = None,
    ) -> None:
        self._name, self._behind, self._weather, self._seen = name, behind, weather, seen

    @property
    def id(self) -> str:
        """Return the id of a source."""
        return str(self._behind.id)

    def __getattr__(self, method: str) -> Any:
        """Return the method, with what can happen to it."""
        real = getattr(self._behind, method)

        def made(*arguments: Any, **named: Any) -> Any:
            def do() -> Any:
                if self._seen is None:
                    return real(*arguments, **named)
                return self._seen(method, arguments, lambda: real(*arguments, **named))

            return self._weather.call(self._name, method, do)

        return made
