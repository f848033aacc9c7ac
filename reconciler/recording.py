"""What a pass writes down for people to read later. The loop decides on none of it.

Worked out from what the pass found and from what is stored already, so that a pass in which
nothing changed writes nothing, and a crash in between loses and repeats nothing. The sign of life
goes its own way: it comes with every pass, and makes no new version.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from policy.model.execution import Uid
from reconciler import bulletin, canonical, trust
from reconciler.acceptance import Acceptance
from reconciler.apply import Outcome
from reconciler.bulletin import NOWHERE_YET, Workspaces
from reconciler.converge import holding
from reconciler.converge.host import Host, Storage
from reconciler.converge.status import Phase
from reconciler.converge.world import Assessment, Wanted
from reconciler.desired import Reader
from reconciler.errors import (
    ClusterUnavailable,
    LeaseLost,
    SourceUnavailable,
    StoreUnavailable,
)
from reconciler.manifest import ownership
from reconciler.manifest.catalogue import Catalogue
from reconciler.manifest.spec import Manifest
from reconciler.ports import Clock, Lease, Store
from reconciler.posted import PostedPlan
from reconciler.records import CommitRow, Delta, PassRow, Pulse, Recording, digest_of
from reconciler.working_set import WorkingSet

AT_LEAST_EVERY = timedelta(seconds=60)
"""So often a pass is written down, even if nothing happens."""

_NO_SOURCE = "the Git repository can't be reached; what was accepted last stays in force"
_NO_SIGNATURES = "signatures can't be checked now, so the newest commit isn't accepted"
_NO_CLUSTER = "the Swarm can't be reached, or didn't answer in full"
_FAULT = "the last pass failed by a fault in Zoe itself; its log says more"
_OF_PARTS_AWAY = {"SourceUnavailable": _NO_SOURCE, "CannotVerify": _NO_SIGNATURES}


def problem_of(acceptance: Acceptance | None) -> str:
    """Return why the newest commit isn't desired, for anybody to read; "" if it is."""
    if acceptance is None or not acceptance.hold:
        return ""
    # What Git and ssh-keygen say may name hosts and files; the other sentences are our own.
    return _OF_PARTS_AWAY.get(acceptance.hold, acceptance.message)


def problem_with(error: BaseException) -> str:
    """Return why a pass failed, for anybody to read: never what the error itself says."""
    match error:
        case SourceUnavailable():
            return _NO_SOURCE
        case ClusterUnavailable():
            return _NO_CLUSTER
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
    _settled: Catalogue | None = None
    """Of this catalogue everything is stored."""
    _workspaces: Workspaces = NOWHERE_YET
    """What was stored with it."""
    _digests: dict[Uid, tuple[Manifest, str]] = field(default_factory=dict)
    _row_at: datetime | None = None

    def recording(
        self,
        wanted: Wanted,
        found: Assessment,
        acceptance: Acceptance | None,
        merged: Sequence[PostedPlan],
        *,
        at: datetime,
    ) -> Recording:
        """Return what a pass writes down together with its facts."""
        source_id, known = self.reader.source.id, self.working_set
        memory = known.memory(published_seq=0)
        documents = self._documents(wanted, known.recorded.documents.get(source_id, {}))
        workspaces = self._located(found)
        boards = self._boards(known.recorded.boards, workspaces)
        if not documents and not boards:
            self._settled, self._workspaces = self.reader.catalogue, workspaces
        return Recording(
            source_id=source_id if documents else "",
            commits=(
                *self._held(acceptance, at),
                *self._accepted(wanted, documents, merged, at),
            ),
            documents=documents,
            intervals=holding.intervals(found, memory, known.recorded.intervals, now=at),
            boards=boards,
        )

    def passed(
        self,
        wanted: Wanted,
        found: Assessment,
        outcomes: Sequence[Outcome],
        acceptance: Acceptance | None,
        *,
        started: datetime,
        lease: Lease,
    ) -> None:
        """Tell that a pass ended, and what it did if that is worth a row."""
        now = self.clock.now()
        is_due = self._row_at is None or now - self._row_at >= AT_LEAST_EVERY
        row = None
        if is_due or found.steps or outcomes:
            row, self._row_at = self._row(wanted, found, outcomes, started, now), now
        pulse = Pulse(
            at=now,
            tried_at=now,
            interval_s=self.interval_s,
            commit=wanted.commit,
            problem=problem_of(acceptance),
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
            self._beat(pulse, None, lease)

    def _beat(self, pulse: Pulse, row: PassRow | None, lease: Lease) -> None:
        self.store.beat(pulse, row, lease)
        self.working_set.beaten(pulse)

    def _documents(self, wanted: Wanted, before: Mapping[str, str]) -> dict[str, str | None]:
        """Return what is asked for otherwise than before; None for what isn't any more."""
        if self.reader.catalogue is self._settled:
            return {}
        after = {f"{m.namespace}/{m.name}": self._digest(m) for m in wanted.manifests.values()}
        self._digests = {uid: self._digests[uid] for uid in wanted.manifests}
        return {
            **{name: digest for name, digest in after.items() if before.get(name) != digest},
            **dict.fromkeys(before.keys() - after.keys()),
        }

    def _digest(self, manifest: Manifest) -> str:
        known = self._digests.get(manifest.uid)
        if known is None or known[0] is not manifest:
            known = (manifest, document_digest(manifest))
            self._digests[manifest.uid] = known
        return known[1]

    def _located(self, found: Assessment) -> Workspaces:
        workspace = self.host.storages.get("workspace", Storage())
        names = {node.id: node.hostname for node in found.snapshot.nodes}
        return Workspaces(
            is_shared=workspace.is_shared,
            nodes={namespace: names.get(node, node) for namespace, node in found.homes.items()},
        )

    def _boards(self, before: Mapping[str, str], workspaces: Workspaces) -> dict[str, object]:
        catalogue = self.reader.catalogue
        is_settled = catalogue is self._settled and workspaces == self._workspaces
        if catalogue is None or is_settled:
            return {}
        found = bulletin.boards(catalogue, self._file, workspaces)
        return {
            topic: document
            for topic, document in found.items()
            # What was never told and is empty isn't news: a new topic writes nothing by itself.
            if before.get(topic) != digest_of(document) and (document or topic in before)
        }

    def _file(self, path: str) -> bytes | None:
        blob = self.reader.files.get(path)
        if blob is None:
            return None
        try:
            return self.reader.source.read(blob, limit_bytes=bulletin.FILE_BYTES)
        except (SourceUnavailable, ValueError):
            return None  # a picture that is missing stops nobody

    def _accepted(
        self,
        wanted: Wanted,
        documents: Mapping[str, str | None],
        merged: Sequence[PostedPlan],
        at: datetime,
    ) -> tuple[CommitRow, ...]:
        source_id, recorded = self.reader.source.id, self.working_set.recorded
        before = recorded.documents.get(source_id, {})
        delta = Delta(
            added=tuple(sorted(n for n, d in documents.items() if d and n not in before)),
            changed=tuple(sorted(n for n, d in documents.items() if d and n in before)),
            removed=tuple(sorted(n for n, d in documents.items() if d is None)),
        )
        is_known = recorded.commits.get(source_id) == wanted.commit
        row = self._row_of(wanted.commit, at)
        if row is None or (is_known and not (delta.added or delta.removed)):
            return ()
        parents = self.reader.source.commit(row.id).parents
        accepted = replace(
            row,
            signer=self._signer(wanted),
            pull=_pull(merged, (row.id, *parents[1:])),
            delta=delta,
            problems=len(self.reader.diagnostics),
        )
        return (accepted,)

    def _held(self, acceptance: Acceptance | None, at: datetime) -> tuple[CommitRow, ...]:
        """Return the row of a tip that isn't accepted, once for each reason."""
        if acceptance is None or not acceptance.hold or not acceptance.tip:
            return ()
        told = (acceptance.tip, acceptance.hold, problem_of(acceptance))
        if self.working_set.recorded.held.get(self.reader.source.id) == told:
            return ()
        row = self._row_of(acceptance.tip, at)
        return () if row is None else (replace(row, hold=told[1], told=told[2]),)

    def _row_of(self, revision: str, at: datetime) -> CommitRow | None:
        try:
            commit = self.reader.source.commit(revision)
        except SourceUnavailable:
            return None  # the next pass tries again
        return CommitRow(
            id=commit.id,
            source_id=self.reader.source.id,
            author=commit.author,
            committed_at=commit.committed_at,
            message=commit.message,
            seen_at=at,
        )

    def _signer(self, wanted: Wanted) -> str:
        rules = ownership.rules_of(wanted.platform, wanted.namespaces)
        if not rules.is_required:
            return ""
        return trust.signer_of(self.reader.source.provenance(), wanted.commit, rules)

    def _row(
        self,
        wanted: Wanted,
        found: Assessment,
        outcomes: Sequence[Outcome],
        started: datetime,
        now: datetime,
    ) -> PassRow:
        phases = Counter(status.phase for status in found.statuses)
        ready = [node for node in found.snapshot.nodes if node.is_ready]
        held = self.working_set.recorded.intervals.values()
        return PassRow(
            at=now,
            duration_ms=(now - started) // timedelta(milliseconds=1),
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


def _pull(merged: Sequence[PostedPlan], heads: Sequence[str]) -> int | None:
    """Return whose merge a commit is: of several that came with it, the one that it joins."""
    of_itself = [plan.pull for plan in merged if plan.head in heads]
    found = of_itself or [plan.pull for plan in merged]
    return found[0] if len(found) == 1 else None


def document_digest(manifest: Manifest) -> str:
    """Return what an Execution document is told apart by: all that its author can set."""
    said = (
        *(manifest.run, manifest.document_hash, manifest.labels, manifest.suspend),
        *(manifest.update, manifest.schedule, manifest.notify),
    )
    return canonical.digest(said)[:32]
