"""What executions have done and namespaces have used: written when an allocation changes.

Between two changes both grow at a known rate, so what is stored with its time gives the value at
any later time; the mere passing of time writes nothing. Whoever loses the database begins at
zero: only an execution's rank depends on it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from policy.model.decision import Decision
from policy.model.execution import (
    Allocation,
    ApplicationType,
    Component,
    Execution,
    Uid,
)
from policy.model.resources import NOTHING, Resources
from policy.model.tenant import Amounts, Tenant, Usage
from policy.progress import speed
from policy.settings import PolicySettings
from policy.share import accrue, amounts_of, penalised
from reconciler.converge.history import SHORTEST_MS, Runtime, application_of
from reconciler.converge.instants import epoch_ms
from reconciler.converge.ledger import EndReason, Record
from reconciler.manifest.platform import Namespace
from reconciler.manifest.spec import ExecutionSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """What an execution had done at a time, and when its elastic part last changed.

    ``work`` is in thousandths of a replica times milliseconds (``policy.progress``); since then it
    goes on at ``rate`` a millisecond.
    """

    work: int = 0
    as_of_ms: int = 0
    rate: int = 0
    grown_ms: int | None = None
    shrunk_ms: int | None = None


UNBEGUN = Progress()


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What a namespace had used at a time, and what it has held since."""

    usage: Usage
    held: Amounts = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What a pass writes: rows (None: the row goes), and runtimes to add to the history."""

    progress: Mapping[Uid, Progress | None] = field(default_factory=dict)
    usage: Mapping[str, Use] = field(default_factory=dict)
    runtimes: tuple[Runtime, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One execution before and after a pass: its record, spec and groups."""

    namespace: str
    name: str
    before: Record | None
    after: Record
    spec: ExecutionSpec
    held: tuple[Allocation, ...]
    given: tuple[Allocation, ...]

    @property
    def has_changed(self) -> bool:
        """Whether its speed changes, or its attempt."""
        before = self.before or self.after
        return (
            self.held != self.given
            or before.started_at != self.after.started_at
            or before.attempt != self.after.attempt
            or before.ended != self.after.ended
        )

    @property
    def has_ended_attempt(self) -> bool:
        """Whether an attempt that was open isn't any more."""
        return self.before is not None and self.before.attempt_open and not self.after.attempt_open


def progress_of(
    known: Progress | None, record: Record | None, spec: ExecutionSpec, held: Sequence[Allocation]
) -> Progress:
    """Return the stored progress; where there is none, as if it were written at the start."""
    if known is not None:
        return known
    if record is None or record.started_at is None:
        return UNBEGUN
    return Progress(as_of_ms=epoch_ms(record.started_at), rate=_rate(spec, held))


def work_by(progress: Progress, now_ms: int) -> int:
    """Return what an execution has done by now. A clock that went back changes nothing."""
    return progress.work + progress.rate * max(0, now_ms - progress.as_of_ms)


def settle(
    accounts: Iterable[Account],
    known: Mapping[Uid, Progress],
    decision: Decision,
    snapshot: Collection[Execution],
    now: datetime,
) -> tuple[Mapping[Uid, Progress | None], tuple[Runtime, ...]]:
    """Return the progress rows that a pass changes, and the runtimes of what completed.

    Args:
        accounts: Those that the pass touched.
        known: The progress as it was stored.
        decision: What was decided: only that grows and shrinks, a lost node doesn't.
        snapshot: What was decided on.
        now: The time of the pass.
    """
    grown, shrunk = _moved(decision, snapshot)
    rows: dict[Uid, Progress | None] = {}
    runtimes: list[Runtime] = []
    now_ms = epoch_ms(now)
    for account in accounts:
        uid = account.after.uid
        if not account.has_changed:
            continue
        progress = progress_of(known.get(uid), account.before, account.spec, account.held)
        is_up = account.after.started_at is not None
        progress = replace(
            progress,
            work=work_by(progress, now_ms),
            as_of_ms=now_ms,
            rate=_rate(account.spec, account.given) if is_up else 0,
        )
        if account.has_ended_attempt:
            runtimes += _runtime(account, progress, now)
            is_batch = account.spec.type is ApplicationType.BATCH
            # A batch begins at nothing again; what the others served isn't undone.
            progress = Progress(work=0 if is_batch else progress.work, as_of_ms=now_ms)
        if uid in grown:
            progress = replace(progress, grown_ms=now_ms)
        if uid in shrunk:
            progress = replace(progress, shrunk_ms=now_ms)
        rows[uid] = None if account.after.is_final else progress
    return {u: row for u, row in rows.items() if row != known.get(u)}, tuple(runtimes)


def held_in_all(executions: Iterable[tuple[ExecutionSpec, Sequence[Allocation]]]) -> Amounts:
    """Return what executions with these groups reserve together."""
    return amounts_of(sum((_demand(spec, groups) for spec, groups in executions), NOTHING))


def usage_now(
    stored: Mapping[str, Use], namespaces: Iterable[str], settings: PolicySettings, now_ms: int
) -> Mapping[str, Usage]:
    """Return the usage of each namespace as of now."""
    unused = Use(usage=Usage(as_of_ms=now_ms))
    uses = {name: stored.get(name, unused) for name in namespaces}
    return {
        name: accrue(use.usage, use.held, now_ms, settings.half_life_ms)
        for name, use in uses.items()
    }


def with_penalties(
    usage: Mapping[str, Usage],
    decision: Decision,
    snapshot: Collection[Execution],
    settings: PolicySettings,
) -> Mapping[str, Usage]:
    """Return the usage with the entry penalty of everything that starts."""
    charged = dict(usage)
    starts = {start.uid for start in decision.starts}
    for execution in snapshot:
        if execution.uid in starts and execution.namespace in charged:
            charged[execution.namespace] = penalised(
                charged[execution.namespace],
                amounts_of(execution.core_demand),
                settings.entry_penalty_ms,
            )
    return charged


def tenant(namespace: Namespace, usage: Usage) -> Tenant:
    """Return a namespace as policy sees it."""
    return Tenant(
        name=namespace.name,
        weight=namespace.weight,
        cohort=namespace.cohort,
        guaranteed=namespace.guaranteed,
        maximum=namespace.maximum,
        maximum_executions=namespace.maximum_executions,
        usage=usage,
    )


def _moved(decision: Decision, snapshot: Collection[Execution]) -> tuple[set[Uid], set[Uid]]:
    """Return who gains elastic replicas by a decision, and who loses some."""
    grown: set[Uid] = set()
    shrunk: set[Uid] = set()
    given = {start.uid: start.allocations for start in decision.starts}
    given |= {resize.uid: resize.allocations for resize in decision.resizes}
    for execution in snapshot:
        if execution.uid not in given:
            continue
        before = execution.held or {part.name: part.core for part in execution.components}
        after = _counts(given[execution.uid])
        names = before.keys() | after.keys()
        if any(after.get(name, 0) > before.get(name, 0) for name in names):
            grown.add(execution.uid)
        if any(after.get(name, 0) < before.get(name, 0) for name in names):
            shrunk.add(execution.uid)
    return grown, shrunk


def _runtime(account: Account, progress: Progress, now: datetime) -> list[Runtime]:
    ended = account.after.ended
    if ended is None or ended.reason is not EndReason.COMPLETED:
        return []
    rate = _execution(account.spec).full_speed
    return [
        Runtime(
            namespace=account.namespace,
            application=application_of(account.spec, account.name),
            ended_at=now,
            runtime_ms=max(SHORTEST_MS, progress.work // rate if rate else 0),
        )
    ]


def _rate(spec: ExecutionSpec, held: Iterable[Allocation]) -> int:
    return speed(_execution(spec), _counts(held))


def _execution(spec: ExecutionSpec) -> Execution:
    """Return as much of an execution as its speed depends on."""
    return Execution(
        uid=Uid(""),
        namespace="",
        name="",
        type=spec.type,
        queued_ms=0,
        components=tuple(
            Component(
                name=service.name,
                core=service.core,
                maximum=service.maximum,
                demand=service.reservations,
                speedup=service.speedup,
            )
            for service in spec.services
        ),
    )


def _demand(spec: ExecutionSpec, groups: Iterable[Allocation]) -> Resources:
    demands = {service.name: service.reservations for service in spec.services}
    total = NOTHING
    for group in groups:
        total += demands.get(group.component, NOTHING) * group.count
    return total


def _counts(groups: Iterable[Allocation]) -> Mapping[str, int]:
    counts: Counter[str] = Counter()
    for group in groups:
        counts[group.component] += group.count
    return counts
