"""What changed rules would have done to what ran here lately: played under both, side by side.

The runs are those of the last days, with the runtimes that they had; the policy that decides is the
live one. Constraints of single executions are left out, and so is what starting costs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from policy.model.cluster import Node
from policy.model.execution import Uid
from policy.model.tenant import Tenant, Usage
from policy.settings import PolicySettings
from policy.simulator.application import Application
from policy.simulator.engine import Engine
from policy.simulator.knowledge import Estimates, Knowledge
from policy.simulator.metrics import percentile
from policy.simulator.record import Record
from policy.words import format_duration
from reconciler.converge import accounting
from reconciler.converge.assess import settings_of
from reconciler.converge.world import Wanted
from reconciler.manifest.platform import PriorityClass

DAYS = 7
MOST_RUNS = 300
"""A review waits for its answer: the newest so many are played."""

NOTICEABLE_MS = 60_000
"""A figure that moves by less isn't told of a namespace."""

NO_HISTORY = "no history is at hand here, so what they would have done isn't known"


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """Runs of the last days that ended, and the nodes as they are now.

    ``classes`` is each run's priority class by name; ``left_out`` counts those that don't fit on
    the nodes, or are beyond the bounds.
    """

    applications: tuple[Application, ...]
    classes: Mapping[Uid, str]
    nodes: tuple[Node, ...]
    left_out: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Times in milliseconds; of those that started, or ended. ``never`` is how many didn't."""

    median_wait_ms: int
    p95_wait_ms: int
    median_turnaround_ms: int
    p95_turnaround_ms: int
    never: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """The runs of a namespace ("" = of all) under the rules before and after."""

    namespace: str
    runs: int
    before: Figures
    after: Figures

    @property
    def told(self) -> str:
        """Medians and 95th percentiles, before and after."""
        old, new = self.before, self.after
        parts = [
            f"median wait {_pair(old.median_wait_ms, new.median_wait_ms)}, "
            f"95th percentile {_pair(old.p95_wait_ms, new.p95_wait_ms)}",
            f"median turnaround {_pair(old.median_turnaround_ms, new.median_turnaround_ms)}, "
            f"95th percentile {_pair(old.p95_turnaround_ms, new.p95_turnaround_ms)}",
        ]
        if old.never or new.never:
            parts.append(f"{old.never} -> {new.never} never start")
        return "; ".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What came of it: all runs first, then the namespaces that notice. Empty: nothing to play."""

    runs: int = 0
    left_out: int = 0
    moved: tuple[Moved, ...] = ()

    @property
    def told(self) -> str:
        """What it rests on, in words."""
        if not self.runs:
            return NO_HISTORY
        others = f", {self.left_out} left out" if self.left_out else ""
        runs = f"{self.runs} run{'s' if self.runs > 1 else ''}"
        return f"played on {runs} of the last {DAYS} days (at most {MOST_RUNS}{others})"


def rehearse(base: Wanted, head: Wanted, past: Past | None) -> Rehearsal | None:
    """Return what the head's rules would have done instead of the base's.

    None: the rules that decide who runs when are the same.
    """
    old, new = _Regime.of(base), _Regime.of(head)
    if old == new:
        return None
    if past is None or not past.applications:
        return Rehearsal()
    before, after = _played(old, past), _played(new, past)
    return Rehearsal(runs=len(before), left_out=past.left_out, moved=tuple(_moved(before, after)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Regime:
    """All of the rules that a decision depends on."""

    settings: PolicySettings
    tenants: tuple[Tenant, ...]
    classes: tuple[PriorityClass, ...]

    @staticmethod
    def of(wanted: Wanted) -> _Regime:
        owners = (wanted.namespaces[name] for name in sorted(wanted.namespaces))
        return _Regime(
            settings=settings_of(wanted.platform),
            tenants=tuple(accounting.tenant(owner, Usage()) for owner in owners),
            classes=wanted.platform.priority_classes,
        )


def _played(regime: _Regime, past: Past) -> Mapping[Uid, Record]:
    classes = {entry.name: entry for entry in regime.classes}
    applications = [_under(application, classes, past) for application in past.applications]
    engine = Engine(regime.settings, past.nodes, tenants=regime.tenants)
    return engine.run(applications, knowledge=Knowledge(Estimates.USER)).records


def _under(
    application: Application, classes: Mapping[str, PriorityClass], past: Past
) -> Application:
    """Return an application with the priority that its class means; one that is gone stays."""
    named = classes.get(past.classes.get(application.execution.uid, ""))
    if named is None:
        return application
    execution = replace(
        application.execution,
        priority=named.value,
        is_preemptible=named.preemptible,
        is_filler=named.filler,
    )
    return replace(application, execution=execution)


def _moved(before: Mapping[Uid, Record], after: Mapping[Uid, Record]) -> Iterator[Moved]:
    yield _compared("", before.values(), after.values())
    for namespace in sorted({record.namespace for record in before.values()}):
        found = _compared(
            namespace,
            [record for record in before.values() if record.namespace == namespace],
            [record for record in after.values() if record.namespace == namespace],
        )
        if _is_noticeable(found):
            yield found


def _compared(namespace: str, before: Iterable[Record], after: Iterable[Record]) -> Moved:
    old, new = list(before), list(after)
    return Moved(namespace=namespace, runs=len(old), before=_figures(old), after=_figures(new))


def _is_noticeable(moved: Moved) -> bool:
    old, new = moved.before, moved.after
    return old.never != new.never or any(
        abs(was - becomes) >= NOTICEABLE_MS
        for was, becomes in (
            (old.median_wait_ms, new.median_wait_ms),
            (old.p95_wait_ms, new.p95_wait_ms),
            (old.median_turnaround_ms, new.median_turnaround_ms),
            (old.p95_turnaround_ms, new.p95_turnaround_ms),
        )
    )


def _figures(records: Sequence[Record]) -> Figures:
    waits = sorted(r.waited_ms for r in records if r.started_ms is not None)
    turnarounds = sorted(t for r in records if (t := r.turnaround_ms) is not None)
    return Figures(
        median_wait_ms=int(percentile(waits, 500)),
        p95_wait_ms=int(percentile(waits, 950)),
        median_turnaround_ms=int(percentile(turnarounds, 500)),
        p95_turnaround_ms=int(percentile(turnarounds, 950)),
        never=sum(r.started_ms is None for r in records),
    )


def _pair(before_ms: int, after_ms: int) -> str:
    before, after = format_duration(before_ms), format_duration(after_ms)
    return before if before == after else f"{before} -> {after}"
