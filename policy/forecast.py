"""When will it start? The queue played forward from a snapshot, in which nobody new arrives.

Every start comes with what the estimate rests on and with an interval: the play is repeated with
what runs ending early and late, or where many wait scaled. Where nobody can know, it says why.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from functools import cached_property

from policy.model.cluster import Snapshot
from policy.model.decision import NEVER, Reason
from policy.model.execution import Estimate, EstimateBasis, Execution, Uid
from policy.replay import COARSE, EXACT, FINE, Case, Grain, is_certain, play, spread_permille
from policy.scheduler import decide
from policy.settings import HOUR_MS, PolicySettings
from policy.simulator.record import Record, Run
from policy.words import listed

HORIZON_MS = 14 * 24 * HOUR_MS
MOST = 1000

FITS_NOW = "fits now"

EXACT_UP_TO = 100
FINE_UP_TO = 300
"""Up to so many executions every event is played on every node; then events close together are
one; beyond, nodes that are alike are taken together as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """When a waiting execution starts.

    ``at_ms`` None: nobody can know, or never, or not before the horizon; ``because`` says which.
    ``low_ms`` and ``high_ms`` are the earliest and the latest that came out; ``high_ms`` None with
    a start: nobody knows how late it may be. ``basis`` says what the estimate rests on.
    ``is_rough``: not every event was looked at, so small differences mean nothing.
    """

    uid: Uid
    at_ms: int | None = None
    low_ms: int | None = None
    high_ms: int | None = None
    basis: str = ""
    because: str = ""
    is_rough: bool = False


def forecast(
    snapshot: Snapshot,
    settings: PolicySettings,
    *,
    horizon_ms: int = HORIZON_MS,
    most: int = MOST,
) -> tuple[Expected, ...]:
    """Return when everybody who waits is expected to start, in the order of the queue.

    What has neither an estimate nor a lifetime is taken never to end. With more than
    ``EXACT_UP_TO`` executions the answer is coarse, and says so in its basis.

    Args:
        snapshot: What decisions are made on.
        settings: The policy.
        horizon_ms: How far to look ahead.
        most: How many of the queue to play; those behind them are answered "unknown".
    """
    decision = decide(snapshot, settings)
    waits = {wait.uid: wait.reason for wait in decision.waits}
    line = [*(start.uid for start in decision.starts), *waits]
    hopeful = [uid for uid in line if uid not in waits or waits[uid].code not in NEVER]
    played = frozenset(hopeful[:most])
    told = _Forecast(
        replace(
            snapshot,
            executions=tuple(e for e in snapshot.executions if e.is_admitted or e.uid in played),
        ),
        settings,
        # Nothing has to be played on if everybody starts at once.
        horizon_ms=horizon_ms if any(uid in waits for uid in played) else 0,
    )
    return tuple(
        told.expected(uid)
        if uid in played
        else Expected(uid=uid, because=_unplayed(waits.get(uid), most))
        for uid in line
    )


class _Forecast:
    """The plays of one snapshot, and what they say of each execution."""

    def __init__(self, snapshot: Snapshot, settings: PolicySettings, *, horizon_ms: int) -> None:
        self._now_ms, self._horizon_ms = snapshot.now_ms, horizon_ms
        self._executions = {e.uid: e for e in snapshot.executions}
        self._grain = _grain(len(self._executions))
        self._typical = play(snapshot, settings, horizon_ms=horizon_ms, grain=self._grain)
        self._others: tuple[Run, ...] = ()
        self._spread_permille = (1000, 1000)
        if self._grain is not EXACT:
            self._spread_permille = spread_permille(snapshot.executions, snapshot.now_ms)
        elif horizon_ms and not all(is_certain(e) for e in snapshot.executions):
            self._others = tuple(
                play(snapshot, settings, horizon_ms=horizon_ms, case=case)
                for case in (Case.EARLY, Case.LATE)
            )
        self._grounds = self._all_grounds()

    def expected(self, uid: Uid) -> Expected:
        """Return when an execution that was played starts."""
        starts = [run.records[uid].started_ms for run in (self._typical, *self._others)]
        at_ms = starts[0]
        if at_ms is None:
            return Expected(uid=uid, because=self._unknown)
        known = [start_ms for start_ms in starts if start_ms is not None]
        is_open = len(known) < len(starts)
        early_permille, late_permille = self._spread_permille
        low_ms = self._scaled(min(known), early_permille)
        high_ms = self._scaled(max(known), late_permille)
        fits_now = at_ms <= self._now_ms
        return Expected(
            uid=uid,
            at_ms=at_ms,
            low_ms=low_ms - self._error_ms(low_ms),
            high_ms=None if is_open else high_ms + self._error_ms(high_ms),
            basis=FITS_NOW if fits_now else self._basis(at_ms),
            is_rough=not fits_now and self._grain is not EXACT,
        )

    def _scaled(self, start_ms: int, permille: int) -> int:
        return self._now_ms + (start_ms - self._now_ms) * permille // 1000

    def _error_ms(self, start_ms: int) -> int:
        """Return by how much a start may be off because not every event was looked at."""
        looked_ahead_ms = start_ms - self._now_ms
        return min(looked_ahead_ms, self._grain.error_ms(looked_ahead_ms))

    def _basis(self, at_ms: int) -> str:
        index = bisect_right(self._grounds, at_ms, key=lambda ground: ground[0])
        told = self._grounds[index - 1][1].told if index else "the calendar and the policy's clock"
        return told if self._grain is EXACT else f"{told}, roughly"

    def _all_grounds(self) -> list[tuple[int, _Grounds]]:
        """Return, for every end in order, what those up to there rest on."""
        found: list[tuple[int, _Grounds]] = []
        grounds = _Grounds()
        ended = [(r.ended_ms, r.uid, r) for r in self._typical.records.values() if r.ended_ms]
        for ended_ms, uid, record in sorted(ended, key=lambda end: end[:2]):
            is_stopped = self._is_stopped(record)
            grounds = grounds.with_end(None if is_stopped else self._executions[uid].estimate)
            found.append((ended_ms, grounds))
        return found

    def _is_stopped(self, record: Record) -> bool:
        """Tell whether its lifetime ends it, so that nothing rests on an estimate."""
        execution = self._executions[record.uid]
        ends_ms = execution.ends_ms
        if not execution.is_admitted and execution.lifetime_ms is not None:
            ends_ms = (record.started_ms or 0) + execution.lifetime_ms
        return record.ended_ms == ends_ms or execution.estimate is None

    @cached_property
    def _unknown(self) -> str:
        """Why some never started, the same for all of them."""
        days = self._horizon_ms // (24 * HOUR_MS)
        endless = [
            e
            for e in self._executions.values()
            if self._typical.records[e.uid].started_ms is not None
            and e.estimate is None
            and e.ends_ms is None
            and e.lifetime_ms is None
            and not e.is_filler
        ]
        if self._typical.ended_ms >= self._now_ms + self._horizon_ms or not endless:
            return f"not within {days} days, by what is known now"
        return f"unknown, because {_endless(endless)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grounds:
    """The weakest of what a number of ends rest on."""

    has_hint: bool = False
    samples: int | None = None
    has_exact: bool = False

    def with_end(self, estimate: Estimate | None) -> _Grounds:
        """Add an end that rests on an estimate; None: on a lifetime."""
        if estimate is None:
            return self
        match estimate.basis:
            case EstimateBasis.HINT:
                return replace(self, has_hint=True)
            case EstimateBasis.HISTORY:
                known = estimate.samples if self.samples is None else self.samples
                return replace(self, samples=min(known, estimate.samples))
            case _:
                return replace(self, has_exact=True)

    @property
    def told(self) -> str:
        """In words."""
        if self.has_hint:
            return "estimates of running work (what authors say)"
        if self.samples is not None:
            runs = f"{self.samples} run{'' if self.samples == 1 else 's'}"
            return f"estimates of running work (history of {runs})"
        return "known runtimes" if self.has_exact else "lifetimes"


def _grain(executions: int) -> Grain:
    """Return how finely so many are played."""
    if executions <= EXACT_UP_TO:
        return EXACT
    return FINE if executions <= FINE_UP_TO else COARSE


def _endless(executions: list[Execution]) -> str:
    largest = sorted(
        executions,
        key=lambda e: (-e.core_demand.memory_bytes, -e.core_demand.cpu_millis, e.arrival),
    )
    told = listed([f"{e.namespace}/{e.name}" for e in largest])
    if len(largest) == 1:
        return f"{told} has no lifetime and nothing is known of how long it runs"
    return f"{told} have no lifetime and nothing is known of how long they run"


def _unplayed(reason: Reason | None, most: int) -> str:
    if reason is None or reason.code not in NEVER:
        return f"unknown, because {most} others come first"
    return f"never as things are: {reason.message}"
