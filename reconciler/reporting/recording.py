"""What a pass writes down for people to read later. The loop decides on none of it.

Worked out from what the pass found and from what is stored already, so that a pass in which
nothing changed writes nothing, and a crash in between loses and repeats nothing. The sign of life
goes its own way: it comes with every pass, and makes no new version.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from reconciler.apply import Outcome
from reconciler.converge import holding
from reconciler.converge.host import Host, Storage
from reconciler.converge.status import Phase
from reconciler.converge.world import Assessment, Wanted
from reconciler.errors import (
    ClusterUnavailable,
    DatabaseBehind,
    LeaseLost,
    SourceUnavailable,
    StoreUnavailable,
)
from reconciler.manifest import ownership
from reconciler.manifest.catalogue import Catalogue
from reconciler.ports import Clock, Lease, Store
from reconciler.posted import PostedPlan
from reconciler.reporting import alerts, bulletin
from reconciler.reporting.bulletin import NOWHERE_YET, Workspaces
from reconciler.reporting.commit_log import NO_SOURCE, CommitLog, problem_of
from reconciler.reporting.records import Event, PassRow, Pulse, Recording, digest_of
from reconciler.source.acceptance import Acceptance
from reconciler.source.desired import Reader
from reconciler.source.tenants import Tenants
from reconciler.stages import Stages
from reconciler.stored import Changes
from reconciler.working_set import WorkingSet

AT_LEAST_EVERY = timedelta(seconds=60)
"""So often a pass is written down, even if nothing happens."""

_NO_CLUSTER = "the Swarm can't be reached, or didn't answer in full"
_FAULT = "the last pass failed by a fault in Zoe itself; its log says more"
_MOST_PROBLEMS = 3


def problems_of(platform: Acceptance | None, tenants: Iterable[Acceptance]) -> str:
    """Return why newest commits aren't desired, the platform's first; "" if they all are."""
    told = [problem_of(platform), *(problem_of(acceptance) for acceptance in tenants)]
    found = [sentence for sentence in told if sentence]
    more = len(found) - _MOST_PROBLEMS
    return "; ".join(found[:_MOST_PROBLEMS]) + (f" (and {more} more)" if more > 0 else "")


def problem_with(error: BaseException) -> str:
    """Return why a pass failed, for anybody to read: never what the error itself says."""
    match error:
        case SourceUnavailable():
            return NO_SOURCE
        case ClusterUnavailable():
            return _NO_CLUSTER
        case DatabaseBehind():
            return str(error)
        case _:
            return _FAULT


@dataclass(slots=True)
class Recorder:
    """Writes down what the passes of a loop find."""

    reader: Reader
    store: Store
    working_set: WorkingSet
    clock: Clock
    interval_s: int
    host: Host
    tenants: Tenants
    _log: CommitLog = field(init=False)
    _settled: tuple[Catalogue | None, object] | None = None
    """Of this catalogue, and what tenants add to it, everything is stored."""
    _workspaces: Workspaces = NOWHERE_YET
    """What was stored with it."""
    _row_at: datetime | None = None

    def __post_init__(self) -> None:
        """Follow the platform's source; those of tenants are followed beside it."""
        self._log = CommitLog(self.reader)

    def recording(
        self,
        wanted: Wanted,
        found: Assessment,
        acceptance: Acceptance | None,
        merged: Sequence[PostedPlan],
        standing: Sequence[Mapping[str, Any]],
        *,
        at: datetime,
    ) -> Recording:
        """Return what a pass writes down together with its facts."""
        known = self.working_set
        recorded = known.recorded
        memory = known.memory(published_seq=0)
        documents = self._log.documents(recorded)
        of_tenants = self.tenants.recording(recorded, at)
        workspaces = self._located(found)
        boards = self._boards(recorded.boards, workspaces)
        if not documents and not boards:
            self._settled = (self.reader.catalogue, self.tenants.shown)
            self._workspaces = workspaces
        asked = {self._log.source_id: documents, **of_tenants.documents}
        return Recording(
            commits=(
                *self._log.held(acceptance, recorded, at),
                *self._log.accepted(
                    *(wanted.commit, documents, recorded, at),
                    rules=lambda: ownership.rules_of(wanted.platform, wanted.namespaces),
                    merged=merged,
                ),
                *of_tenants.commits,
            ),
            documents={source: changed for source, changed in asked.items() if changed},
            intervals=holding.intervals(found, memory, recorded.intervals, now=at),
            boards=boards | _news({"alerts": standing}, recorded.boards),
        )

    def passed(
        self,
        wanted: Wanted,
        found: Assessment,
        outcomes: Sequence[Outcome],
        acceptance: Acceptance | None,
        stages: Stages,
        *,
        lease: Lease,
    ) -> None:
        """Tell that a pass ended, and what it did if that is worth a row."""
        now = self.clock.now()
        is_due = self._row_at is None or now - self._row_at >= AT_LEAST_EVERY
        row = None
        if is_due or found.steps or outcomes:
            row, self._row_at = self._row(wanted, found, outcomes, stages, now), now
        pulse = Pulse(
            at=now,
            tried_at=now,
            interval_s=self.interval_s,
            commit=wanted.commit,
            problem=problems_of(acceptance, self.tenants.acceptances()),
        )
        self._beat(pulse, row, lease)

    def failed(self, error: BaseException, *, lease: Lease) -> None:
        """Tell that a pass was tried and failed; the last one that ended stays the last."""
        if isinstance(error, StoreUnavailable | LeaseLost):
            return  # the database is away, or another's to write
        now, last = self.clock.now(), self.working_set.recorded.pulse
        pulse = Pulse(
            at=last.at if last is not None else now,
            tried_at=now,
            interval_s=self.interval_s,
            commit=last.commit if last is not None else "",
            problem=problem_with(error),
        )
        with contextlib.suppress(StoreUnavailable, LeaseLost):
            if isinstance(error, DatabaseBehind) and (last is None or last.problem != str(error)):
                self._held(str(error), lease, at=now)
            self._beat(pulse, None, lease)

    def _held(self, told: str, lease: Lease, *, at: datetime) -> None:
        """Put on the board why no pass is made; the next one that is made takes it off."""
        board = [alerts.standing(alerts.DATABASE_BEHIND, told, since=at)]
        event = Event(at=at, reason=alerts.DATABASE_BEHIND, message=told, is_warning=True)
        new = Changes(events=(event,), recording=Recording(boards={"alerts": board}))
        self.working_set.committed(new, self.store.commit(new, lease))

    def _beat(self, pulse: Pulse, row: PassRow | None, lease: Lease) -> None:
        self.store.beat(pulse, row, lease)
        self.working_set.beaten(pulse)

    def _located(self, found: Assessment) -> Workspaces:
        workspace = self.host.storages.get("workspace", Storage())
        names = {node.id: node.hostname for node in found.snapshot.nodes}
        return Workspaces(
            is_shared=workspace.is_shared,
            nodes={namespace: names.get(node, node) for namespace, node in found.homes.items()},
        )

    def _boards(self, before: Mapping[str, str], workspaces: Workspaces) -> dict[str, object]:
        catalogue = self.reader.catalogue
        settled, shown = self._settled or (None, None)
        is_settled = catalogue is settled and self.tenants.shown is shown
        if catalogue is None or (is_settled and workspaces == self._workspaces):
            return {}
        found = bulletin.boards(
            catalogue,
            self._file,
            workspaces,
            others=self.tenants.manifests(),
            sets_of_others=self.tenants.sets(),
            problems_of_others=self.tenants.diagnostics(),
        )
        return _news(found, before)

    def _file(self, path: str) -> bytes | None:
        blob = self.reader.files.get(path)
        if blob is None:
            return None
        try:
            return self.reader.source.read(blob, limit_bytes=bulletin.FILE_BYTES)
        except (SourceUnavailable, ValueError):
            return None  # a picture that is missing stops nobody

    def _row(
        self,
        wanted: Wanted,
        found: Assessment,
        outcomes: Sequence[Outcome],
        stages: Stages,
        now: datetime,
    ) -> PassRow:
        phases = Counter(status.phase for status in found.statuses)
        ready = [node for node in found.snapshot.nodes if node.is_ready]
        held = self.working_set.recorded.intervals.values()
        return PassRow(
            at=now,
            duration_ms=(now - stages.started) // timedelta(milliseconds=1),
            stages_ms=dict(stages.ms),
            commit=wanted.commit,
            running=phases[Phase.RUNNING],
            waiting=phases[Phase.QUEUED],
            actions=len(outcomes),
            failures=sum(bool(outcome.error) for outcome in outcomes),
            cpu_millis=sum(node.capacity.cpu_millis for node in ready),
            cpu_reserved_millis=sum(node.reserved.cpu_millis for node in ready)
            + sum(interval.cpu_millis for interval in held),
            memory_bytes=sum(node.capacity.memory_bytes for node in ready),
            memory_reserved_bytes=sum(node.reserved.memory_bytes for node in ready)
            + sum(interval.memory_bytes for interval in held),
        )


def _news(found: Mapping[str, Any], before: Mapping[str, str]) -> dict[str, Any]:
    """Return the topics whose documents changed."""
    return {
        topic: document
        for topic, document in found.items()
        # What was never told and is empty isn't news: a new topic writes nothing by itself.
        if before.get(topic) != digest_of(document) and (document or topic in before)
    }
