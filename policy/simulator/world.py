"""The simulated cluster as it stands: what is to come, what waits, what runs, and the time."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import replace

from policy.model.cluster import Node, Snapshot
from policy.model.decision import Decision
from policy.model.execution import Allocation, Estimate, Execution, Uid
from policy.model.reservation import Reservation
from policy.simulator.agenda import Agenda
from policy.simulator.application import Application
from policy.simulator.holdings import Accounts, Occupancies, reserved
from policy.simulator.job import Job
from policy.simulator.knowledge import Key, Knowledge
from policy.simulator.record import Run


class World:
    """Everything that changes during a run.

    Only what changed is built anew: at every event the snapshot is put together from what is kept
    here by uid, in the order of arrival and of starting.
    """

    def __init__(
        self,
        applications: Iterable[Application],
        *,
        nodes: tuple[Node, ...],
        reservations: tuple[Reservation, ...],
        accounts: Accounts,
        knowledge: Knowledge | None,
        from_ms: int | None,
    ) -> None:
        ordered = sorted(applications, key=lambda a: a.execution.arrival)
        arrivals = [a.execution.queued_ms for a in ordered if not a.execution.is_admitted]
        self.begin_ms = min(arrivals, default=0) if from_ms is None else from_ms
        self.now_ms = self.begin_ms
        self.wake_ms: int | None = None
        self._nodes, self._reservations = nodes, reservations
        self._accounts, self._knowledge = accounts, knowledge
        self._coming = deque(a for a in ordered if not a.execution.is_admitted)
        self._jobs: dict[Uid, Job] = {}
        self._waiting: dict[Uid, Execution] = {}
        self._running: dict[Uid, Job] = {}
        self._alike: defaultdict[Key, dict[Uid, None]] = defaultdict(dict)
        self._agenda = Agenda()
        self._occupancies = Occupancies(
            nodes, from_ms=self.begin_ms, until_ms=max(arrivals, default=self.begin_ms)
        )
        self._decisions = 0
        for application in ordered:
            if application.execution.is_admitted:
                job = self._add(application)
                held = reserved(job.execution, job.execution.allocations)
                self._occupancies.change(held)
                self._accounts.begin(job.execution.namespace, held)
                self._follow(job)

    @property
    def is_idle(self) -> bool:
        """Whether nothing runs and nothing is still to come."""
        return not (self._running or self._coming)

    @property
    def all_started(self) -> bool:
        """Whether nothing waits and nothing is still to come."""
        return not (self._waiting or self._coming)

    def next_ms(self) -> int | None:
        """Return when something happens next."""
        times = [self._agenda.next_ms(), self.wake_ms]
        if self._coming:
            times.append(max(self.begin_ms, self._coming[0].execution.queued_ms))
        return min((time for time in times if time is not None), default=None)

    def advance(self, now_ms: int, *, window_ms: int = 0) -> None:
        """Let time pass until ``now_ms``, or until the middle of the ends in the window from there.

        All ends in the window happen then, some of them early and some late.
        """
        bounds = [now_ms + window_ms]
        if self._coming:
            bounds.append(max(now_ms, self._coming[0].execution.queued_ms))
        if self.wake_ms is not None:
            bounds.append(max(now_ms, self.wake_ms))
        ended = self._agenda.take(min(bounds))
        self.now_ms = max(now_ms, ended[len(ended) // 2][0]) if ended else now_ms
        for due_ms, uid in ended:
            self._end(uid, due_ms)
        self._occupancies.advance(self.now_ms)
        while self._coming and self._coming[0].execution.queued_ms <= self.now_ms:
            self._add(self._coming.popleft())

    def snapshot(self) -> Snapshot:
        """Return what policy sees now."""
        now_ms = self.now_ms
        running = (job.execution for job in self._running.values())
        return Snapshot(
            now_ms=now_ms,
            nodes=self._nodes,
            executions=(*self._waiting.values(), *running),
            tenants=self._accounts.tenants(now_ms),
            reservations=self._reservations,
        )

    def apply(self, decision: Decision) -> None:
        """Carry a decision out, at once and whole."""
        self._decisions += 1
        self.wake_ms = decision.wake_ms
        if self.wake_ms is not None and self.wake_ms <= self.now_ms:
            self.wake_ms = None
        for preemption in decision.preemptions:
            self._preempt(self._running.pop(preemption.uid))
        for resize in decision.resizes:
            job = self._running[resize.uid]
            before = job.execution.allocations
            job.resize(resize.allocations, self.now_ms)
            self._place(job, before, resize.allocations)
        for start in decision.starts:
            job = self._jobs[start.uid]
            job.execution = self._waiting.pop(start.uid)
            job.start(start.allocations, self.now_ms)
            self._accounts.start(job.execution, self.now_ms)
            self._place(job, (), start.allocations)

    def result(self, last: Decision | None) -> Run:
        """Return the records; ``last`` says why those wait that still do."""
        for wait in last.waits if last else ():
            self._jobs[wait.uid].reason = str(wait.reason.code)
        return Run(
            records={uid: job.record(self.now_ms) for uid, job in self._jobs.items()},
            occupancy=self._occupancies.occupancy(),
            decisions=self._decisions,
            ended_ms=self.now_ms,
        )

    def _add(self, application: Application) -> Job:
        job = Job.of(application, self.now_ms)
        job.since_ms = self.now_ms if job.execution.is_admitted else job.execution.queued_ms
        self._jobs[job.execution.uid] = job
        if self._knowledge is not None:
            self._alike[self._knowledge.key(application)][job.execution.uid] = None
            job.execution = replace(job.execution, estimate=self._knowledge.estimate(application))
        if not job.execution.is_admitted:
            self._waiting[job.execution.uid] = job.execution
        return job

    def _place(
        self, job: Job, before: tuple[Allocation, ...], after: tuple[Allocation, ...]
    ) -> None:
        """Account for a change of what a job holds."""
        execution = job.execution
        change = reserved(execution, after) - reserved(execution, before)
        self._occupancies.change(change)
        self._accounts.change(execution.namespace, change, self.now_ms)
        if after:
            self._follow(job)

    def _follow(self, job: Job) -> None:
        """Note one that runs, and when it ends."""
        self._running[job.execution.uid] = job
        self._agenda.set(job.execution.uid, job.due_ms())

    def _preempt(self, job: Job) -> None:
        before = job.execution.allocations
        self._agenda.set(job.execution.uid, None)
        job.preempt(self.now_ms)
        self._place(job, before, ())
        self._waiting[job.execution.uid] = job.execution

    def _end(self, uid: Uid, due_ms: int) -> None:
        job = self._running.pop(uid)
        job.ended_ms = due_ms
        # Held until now: a decision can't give it away before it is made.
        self._occupancies.advance(self.now_ms)
        self._place(job, job.execution.allocations, ())
        if self._knowledge is not None:
            self._learn(job.application, self._knowledge)

    def _learn(self, application: Application, knowledge: Knowledge) -> None:
        """Bring the estimates of those that are alike up to date."""
        alike = self._alike[knowledge.key(application)]
        del alike[application.execution.uid]
        if not knowledge.learn(application):
            return
        # Many that are alike wait together, mostly with the same hint.
        by_hint: dict[int | None, Estimate | None] = {}
        for uid in alike:
            job = self._jobs[uid]
            hint = job.application.hint_ms
            if hint not in by_hint:
                by_hint[hint] = knowledge.estimate(job.application)
            self._inform(job, by_hint[hint])

    def _inform(self, job: Job, estimate: Estimate | None) -> None:
        if estimate == job.execution.estimate:
            return
        job.execution = replace(job.execution, estimate=estimate)
        if job.execution.uid in self._waiting:
            self._waiting[job.execution.uid] = job.execution
