"""What a test or a simulation tells the fake cluster to do, and what the fake tells back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from reconciler.converge.state import (
    ConfigSpec,
    NetworkSpec,
    RestartCondition,
    SecretSpec,
    ServiceSpec,
)

Written = ServiceSpec | NetworkSpec | ConfigSpec | SecretSpec
_BATCH_MS = 3_000  # long enough to be seen running


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one task goes. The default runs for ever and is healthy at once.

    ``runs_ms`` None = until it is stopped. ``healthy_after_ms`` None = never; it counts only for
    services with a health probe. ``refusal`` is the engine's text of a task that is rejected.
    """

    runs_ms: int | None = None
    exit_code: int = 0
    log: str = ""
    healthy_after_ms: int | None = 0
    refusal: str = ""

    @classmethod
    def exits(cls, code: int = 0, *, after_ms: int = 0, log: str = "") -> Self:
        """Return a task that runs for ``after_ms`` and exits with ``code``."""
        return cls(runs_ms=after_ms, exit_code=code, log=log)

    @classmethod
    def never_healthy(cls) -> Self:
        """Return a task that runs and fails its health probe."""
        return cls(healthy_after_ms=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """How long things take in the fake, in milliseconds (figures of a quiet small machine)."""

    schedule: int = 50
    prepare: int = 150
    start: int = 150
    stop: int = 100
    detect_loss: int = 3_000
    rejoin: int = 500
    network_lingers: int = 5_000
    update_monitor: int = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One write call, as it reached the cluster.

    ``error`` names the exception that the caller got; with ``is_lost`` the call took effect all
    the same.
    """

    method: str
    name: str
    spec: Written | None = None
    error: str = ""
    is_lost: bool = False


def as_meant(spec: ServiceSpec) -> Outcome:
    """Return how a container would go if all went well: what isn't there to stay succeeds."""
    match spec.restart.condition:
        case RestartCondition.ANY:
            return Outcome()
        case RestartCondition.NONE:
            return Outcome.exits(after_ms=_BATCH_MS, log="the cluster is simulated: nothing ran\n")
        case RestartCondition.ON_FAILURE:
            return Outcome.exits()


class Script:
    """The outcomes by whom they are for: a service's name, a uid, a component, an image."""

    def __init__(self) -> None:
        self.default: Callable[[ServiceSpec], Outcome] = lambda _: Outcome()
        self._outcomes: dict[str, tuple[Outcome, ...]] = {}
        self._used: dict[str, int] = {}

    def set(self, key: str, outcomes: tuple[Outcome, ...]) -> None:
        """Enter what the tasks of ``key`` do, one after the other; the last one repeats."""
        self._outcomes[key] = outcomes
        self._used[key] = 0

    def next(self, spec: ServiceSpec, keys: tuple[str, ...]) -> Outcome:
        """Return what the next task does that answers to ``keys``, the closest key first."""
        for key in keys:
            outcomes = self._outcomes.get(key)
            if outcomes:
                index = self._used[key]
                self._used[key] = index + 1
                return outcomes[min(index, len(outcomes) - 1)]
        return self.default(spec)
