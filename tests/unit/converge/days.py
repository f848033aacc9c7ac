"""A schedule's life in passes: a ledger, a cluster, and a clock that is set."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from reconciler.converge.runs import is_scheduled, time_of
from reconciler.converge.state import LABEL_RUN, TaskState
from reconciler.converge.world import Assessment
from reconciler.manifest.spec import Manifest, Overlap, Schedule
from tests.builders import NOW, Ledger, batch, carried_out, manifest, observed, service, wanted

HOURLY = Schedule(cron="0 * * * *")


def at(*parts: int) -> datetime:
    return datetime(2026, 1, *parts, tzinfo=UTC)  # type: ignore[misc]


class Days:
    """A ledger with one cluster whose tasks run until they are told to end."""

    def __init__(self, *manifests: Manifest, now: datetime = NOW) -> None:
        self.ledger = Ledger()
        self.ledger.now = now
        self.wanted = wanted(*manifests)
        self.state = observed()
        self.found: Assessment
        self.reconcile()

    def reconcile(self) -> Assessment:
        """Make one pass, and let the cluster do as it says."""
        self.found = self.ledger.assess(self.wanted, self.state)
        self.state = carried_out(self.found, self.state, at=self.ledger.now)
        return self.found

    def go_to(self, now: datetime, *, passes: int = 3) -> Assessment:
        """Let it be ``now``, and make passes until all is settled."""
        self.ledger.now = now
        for _ in range(passes):
            self.reconcile()
        return self.found

    def end(self) -> None:
        """Let every task exit with 0."""
        tasks = [replace(t, state=TaskState.COMPLETE, exit_code=0) for t in self.state.tasks]
        self.state = replace(self.state, tasks=tuple(tasks))

    def want(self, *manifests: Manifest) -> None:
        """Commit these manifests, and no others."""
        self.wanted = wanted(*manifests)

    @property
    def phases(self) -> dict[str, str]:
        """Phase and reason of the runs that are known, by their time."""
        told = {}
        for document in self.ledger.memory.statuses.values():
            run = document["metadata"]["run"]
            status = document["status"]
            name = time_of(run).strftime("%d-%H:%M") if is_scheduled(run) else str(run)
            told[name] = f"{status['phase']}/{status['reason']}"
        return dict(sorted(told.items()))

    @property
    def running(self) -> list[str]:
        """The runs that have services, by their time."""
        runs = [int(s.spec.labels[LABEL_RUN]) for s in self.state.services]
        return [time_of(run).strftime("%d-%H:%M") for run in sorted(runs)]


def nightly(schedule: Schedule = HOURLY, **fields: object) -> Manifest:
    spec = fields.pop("spec", batch(service(completes=True)))
    return manifest(spec, name="nightly", schedule=schedule, **fields)  # type: ignore[arg-type]


def overlapping(overlap: Overlap) -> Manifest:
    return nightly(replace(HOURLY, overlap=overlap))
