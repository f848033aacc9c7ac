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
    """``execution`` is what policy sees, its work as of the last change; the rest is the truth.

    ``done`` is the work at ``since_ms``, from where it goes on at ``speed``.
    """

    application: Application
    execution: Execution
    total: int | None
    done: int = 0
    speed: int = 0
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
        # A copy of its own: what it has done is kept up to date in it.
        execution = replace(application.execution)
        job = Job(
            application=application,
            execution=execution,
            total=application.work,
            done=execution.work,
            since_ms=now_ms,
            started_ms=execution.started_ms,
        )
        job.speed = speed(execution, execution.held) if execution.is_admitted else 0
        return job

    def work(self, now_ms: int) -> int:
        """Return the work done by now, never more than there is."""
        done = self.done + self.speed * (now_ms - self.since_ms)
        return done if self.total is None or done < self.total else self.total

    def seen(self, now_ms: int, *, afresh: bool) -> Execution:
        """Return the execution as policy sees it now.

        Asked of all that runs at every event. Unless it is to be made ``afresh``, it is the same
        object as last time, brought up to date: a copy would take a quarter of the whole run.
        """
        done = self.work(now_ms)
        if done != self.execution.work:
            if afresh:
                self.execution = replace(self.execution, work=done)
            else:
                # None of the sums that it keeps beside its fields depends on work.
                self.execution.__dict__["work"] = done
        return self.execution

    def due_ms(self) -> int | None:
        """Return when it ends if nothing changes: its work is done, or its lifetime is over."""
        dues = [] if self.execution.ends_ms is None else [self.execution.ends_ms]
        if self.total is not None and self.speed:
            dues.append(self.since_ms - (self.done - self.total) // self.speed)
        return max(self.since_ms, min(dues)) if dues else None

    def start(self, allocations: tuple[Allocation, ...], now_ms: int) -> None:
        """Begin to run with these groups."""
        old = self.execution
        self.waited_ms += now_ms - self.since_ms
        self.started_ms = now_ms if self.started_ms is None else self.started_ms
        self.execution = replace(
            old,
            allocations=allocations,
            started_ms=now_ms,
            ends_ms=None if old.lifetime_ms is None else now_ms + old.lifetime_ms,
        )
        core = sum(component.core for component in old.components)
        if sum(group.count for group in allocations) > core:
            self.execution = replace(self.execution, grown_ms=now_ms)
        self._go_on(now_ms)

    def resize(self, allocations: tuple[Allocation, ...], now_ms: int) -> None:
        """Go on with these groups instead; replicas that move count as lost and gained."""
        done = self.work(now_ms)
        lost = _beyond(self.execution.allocations, allocations)
        gained = _beyond(allocations, self.execution.allocations)
        self.revocations += lost
        self.execution = replace(
            self.execution,
            allocations=allocations,
            work=done,
            grown_ms=now_ms if gained else self.execution.grown_ms,
            shrunk_ms=now_ms if lost else self.execution.shrunk_ms,
        )
        self._go_on(now_ms)

    def preempt(self, now_ms: int) -> None:
        """Go back to the queue, to where it was; what was done is lost."""
        self.preemptions += 1
        self.execution = replace(
            self.execution,
            allocations=(),
            work=0,
            started_ms=None,
            ends_ms=None,
            grown_ms=None,
            shrunk_ms=None,
        )
        self.done, self.speed, self.since_ms = 0, 0, now_ms

    def _go_on(self, now_ms: int) -> None:
        self.done, self.since_ms = self.execution.work, now_ms
        self.speed = speed(self.execution, self.execution.held)

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
