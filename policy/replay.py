"""What becomes of a snapshot in which nobody new arrives: played as expected, early and late."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from policy.model.cluster import Snapshot
from policy.model.decision import Decision
from policy.model.execution import Execution
from policy.scheduler import decide, eligible_nodes
from policy.settings import MINUTE_MS, PolicySettings
from policy.simulator.application import Application
from policy.simulator.engine import Engine
from policy.simulator.pool import pooled
from policy.simulator.record import Run


class Case(StrEnum):
    """How long what runs, and what is going to, takes."""

    TYPICAL = "typical"
    EARLY = "early"
    LATE = "late"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grain:
    """How finely time and nodes are looked at (``Engine.quantum_permille``, ``quantum_ms``)."""

    quantum_permille: int = 0
    quantum_ms: int = 0
    is_pooled: bool = False

    def error_ms(self, looked_ahead_ms: int) -> int:
        """Return by how much an event that far ahead may be off."""
        return max(self.quantum_ms, looked_ahead_ms * self.quantum_permille // 1000)


EXACT = Grain()
FINE = Grain(quantum_permille=100, quantum_ms=MINUTE_MS)
COARSE = Grain(quantum_permille=350, quantum_ms=5 * MINUTE_MS, is_pooled=True)

MOST_TRIES = 25
"""How many are tried behind one that doesn't fit where nodes are taken together: with so much room
in one place, what comes first mostly fits first."""


def play(
    snapshot: Snapshot,
    settings: PolicySettings,
    *,
    horizon_ms: int,
    case: Case = Case.TYPICAL,
    grain: Grain = EXACT,
) -> Run:
    """Return what comes of a snapshot until everybody has started, at the horizon at the latest.

    What has neither an estimate nor a lifetime never ends.
    """
    nodes = eligible_nodes(snapshot.nodes, settings.node_selector)
    seen = replace(snapshot, nodes=nodes)
    if grain.is_pooled:
        seen = pooled(seen, headroom=settings.headroom)
        depth = min(settings.backfill_depth, MOST_TRIES)
        settings = replace(settings, backfill_depth=depth)
    engine = Engine(
        settings,
        seen.nodes,
        tenants=seen.tenants,
        reservations=seen.reservations,
        quantum_permille=grain.quantum_permille,
        quantum_ms=grain.quantum_ms,
        decider=_Patient(seen.now_ms, grain),
    )
    return engine.run(
        [
            Application(
                execution=_timed(e, seen.now_ms), runtime_ms=_runtime_ms(e, case, seen.now_ms)
            )
            for e in seen.executions
        ],
        from_ms=seen.now_ms,
        until_ms=seen.now_ms + horizon_ms,
        until_started=True,
    )


@dataclass(frozen=True, slots=True)
class _Patient:
    """Decides, and is woken no more often than events are looked at."""

    begin_ms: int
    grain: Grain

    def __call__(self, snapshot: Snapshot, settings: PolicySettings) -> Decision:
        decision = decide(snapshot, settings)
        quantum_ms = self.grain.error_ms(snapshot.now_ms - self.begin_ms)
        wake_ms = decision.wake_ms
        if wake_ms is not None:
            # Beyond the next step: a wake-up within it would cut it short.
            wake_ms = max(wake_ms, snapshot.now_ms + 2 * quantum_ms)
        # Nobody asks why they wait at the end of a play.
        return replace(decision, wake_ms=wake_ms, explain=tuple)


def spread_permille(executions: Iterable[Execution], now_ms: int) -> tuple[int, int]:
    """Return how long everything takes in all, early and late, beside what is typical.

    Where every runtime is so many times as long, so is every wait: that gives an interval without
    playing again.
    """
    known = [e for e in executions if e.estimate is not None]
    early, typical, late = (
        sum((_runtime_ms(e, case, now_ms) or 0) * e.replicas for e in known)
        for case in (Case.EARLY, Case.TYPICAL, Case.LATE)
    )
    return (1000, 1000) if not typical else (early * 1000 // typical, late * 1000 // typical)


def _timed(execution: Execution, now_ms: int) -> Execution:
    """Return an execution as it is at the beginning: one that has its place, with its end.

    One that starts ends a lifetime on. Who is there has arrived, also if that was noted after the
    cluster was read.
    """
    if execution.queued_ms > now_ms:
        execution = replace(execution, queued_ms=now_ms)
    lifetime_ms = execution.lifetime_ms
    if not execution.is_admitted or execution.ends_ms is not None or lifetime_ms is None:
        return execution
    return replace(execution, ends_ms=now_ms + lifetime_ms)


def is_certain(execution: Execution) -> bool:
    """Tell whether it takes equally long in every case."""
    estimate = execution.estimate
    return estimate is None or estimate.low_ms == estimate.typical_ms == estimate.high_ms


def _runtime_ms(execution: Execution, case: Case, now_ms: int) -> int | None:
    """Return how long an execution takes in a case; None: no end is known."""
    estimate = execution.estimate
    if estimate is None:
        return None
    typical_ms = execution.runtime_ms(now_ms)
    match case:
        case Case.EARLY:
            return max(execution.attained_ms(now_ms), min(estimate.low_ms, typical_ms))
        case Case.LATE:
            return max(typical_ms, estimate.high_ms)
        case _:
            return typical_ms
