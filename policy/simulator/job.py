"""One application on its way through a simulated run: the truth as it unfolds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from policy.model.execution import Allocation, Execution
from policy.progress import speed
from policy.simulator.application import Application
from policy.simulator.record import Record


@dataclass(slots=True)
class Job:
    """``execution`` is what policy sees; the rest is the truth.

    ``total`` is what there is to do (None: it never ends by itself), ``since_ms`` when it began
    to wait or to run as it does.
    """

    application: Application
    execution: Execution
    total: int | None
    since_ms: int = 0
    started_ms: int | None = None
    ended_ms: int | None = None
    waited_ms: int = 0
    revocations: int = 0
    preemptions: int = 0
    reason: str = ""

    @staticmethod
    def of(application: Application, now_ms: int) -> Job:
        """Return the job of an application that waits, or that runs already."""
        execution = application.execution
        return Job(
            application=application,
            execution=_going_on(execution, now_ms) if execution.is_admitted else execution,
            total=application.work,
            since_ms=now_ms,
            started_ms=execution.started_ms,
        )

    def due_ms(self) -> int | None:
        """Return when it ends if nothing changes: its work is done, or its lifetime is over."""
        execution = self.execution
        dues = [] if execution.ends_ms is None else [execution.ends_ms]
        if self.total is not None and execution.rate:
            dues.append(execution.as_of_ms - (execution.work - self.total) // execution.rate)
        return max(self.since_ms, min(dues)) if dues else None

    def start(self, allocations: tuple[Allocation, ...], now_ms: int) -> None:
        """Begin to run with these groups."""
        old = self.execution
        self.waited_ms += now_ms - self.since_ms
        self.started_ms = now_ms if self.started_ms is None else self.started_ms
        core = sum(component.core for component in old.components)
        has_grown = sum(group.count for group in allocations) > core
        self._go_on(
            replace(
                old,
                allocations=allocations,
                started_ms=now_ms,
                ends_ms=None if old.lifetime_ms is None else now_ms + old.lifetime_ms,
                grown_ms=now_ms if has_grown else old.grown_ms,
            ),
            now_ms,
        )

    def resize(self, allocations: tuple[Allocation, ...], now_ms: int) -> None:
        """Go on with these groups instead; replicas that move count as lost and gained."""
        old = self.execution
        lost = _beyond(old.allocations, allocations)
        gained = _beyond(allocations, old.allocations)
        self.revocations += lost
        self._go_on(
            replace(
                old,
                allocations=allocations,
                grown_ms=now_ms if gained else old.grown_ms,
                shrunk_ms=now_ms if lost else old.shrunk_ms,
            ),
            now_ms,
        )

    def preempt(self, now_ms: int) -> None:
        """Go back to the queue, to where it was; what was done is lost."""
        self.preemptions += 1
        self.execution = replace(
            self.execution,
            allocations=(),
            work=0,
            rate=0,
            started_ms=None,
            ends_ms=None,
            grown_ms=None,
            shrunk_ms=None,
        )
        self.since_ms = now_ms

    def _go_on(self, execution: Execution, now_ms: int) -> None:
        self.execution, self.since_ms = _going_on(execution, now_ms), now_ms

    def record(self, now_ms: int) -> Record:
        """Return what came of it."""
        still_waits = self.ended_ms is None and not self.execution.is_admitted
        return Record(
            uid=self.execution.uid,
            namespace=self.execution.namespace,
            kind=self.application.kind,
            queued_ms=self.execution.queued_ms,
            runtime_ms=self.application.runtime_ms,
            started_ms=self.started_ms,
            ended_ms=self.ended_ms,
            waited_ms=self.waited_ms + (now_ms - self.since_ms if still_waits else 0),
            revocations=self.revocations,
            preemptions=self.preemptions,
            reason=self.reason if still_waits else "",
        )


def _beyond(some: Iterable[Allocation], others: Iterable[Allocation]) -> int:
    """Count the replicas in ``some`` that aren't in ``others``, group by group."""
    there = {(group.component, group.node): group.count for group in others}
    return sum(max(0, group.count - there.get((group.component, group.node), 0)) for group in some)


def _going_on(execution: Execution, now_ms: int) -> Execution:
    """Return what runs with its work by now, and how fast it gets on with what it holds."""
    rate = speed(execution, execution.held)
    return replace(execution, work=execution.done(now_ms), as_of_ms=now_ms, rate=rate)
