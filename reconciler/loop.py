"""One pass: read, assess, commit, act, tell. Level-triggered: every pass looks at everything anew.

What is decided is decided in ``converge.assess`` (pure). This module only brings the world in and
carries the answer out, in an order that makes a crash between any two lines harmless: facts are
committed before effects, results are stored before anything is removed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from policy.model.execution import Uid
from reconciler import changes
from reconciler.apply import Means, Outcome, apply, log_all
from reconciler.backing_off import BackingOff
from reconciler.converge import snapshots
from reconciler.converge.assess import assess, settings_of
from reconciler.converge.host import Host
from reconciler.converge.idleness import Activity
from reconciler.converge.ledger import Fact
from reconciler.converge.listening import Door
from reconciler.converge.polling import to_poll
from reconciler.converge.secrets import Vault
from reconciler.converge.state import ObservedState
from reconciler.converge.world import Assessment, Memory, Wanted, World
from reconciler.errors import SourceUnavailable
from reconciler.failpoints import Point, reach
from reconciler.fence import Fence
from reconciler.harvesting import Harvester
from reconciler.manifest.platform import Namespace
from reconciler.manifest.spec import Manifest
from reconciler.outbound.announcing import Announcer
from reconciler.outbound.notices import notices
from reconciler.outbound.sender import Sender
from reconciler.ports import Clock, Cluster, Lease, Store
from reconciler.publishing.publisher import Publisher
from reconciler.report import Report, report
from reconciler.reporting.alerts import Alerts
from reconciler.reporting.recording import Recorder
from reconciler.reporting.records import Event
from reconciler.reviewer.merges import Merges
from reconciler.secrets.faults import diagnostics
from reconciler.secrets.keeper import Keeper
from reconciler.sight import Sight
from reconciler.snapshot_pace import SnapshotPace
from reconciler.source import acceptance
from reconciler.source.acceptance import Acceptance
from reconciler.source.desired import Kept, Reader
from reconciler.source.probation import Probation, over_a_pass
from reconciler.source.tenants import Tenants
from reconciler.source.trust import Referee
from reconciler.stages import Stages
from reconciler.stored import Changes
from reconciler.tidying import Tidying
from reconciler.wake import earliest
from reconciler.working_set import WorkingSet

log = logging.getLogger(__name__)

_COMMITTED = {
    Fact.ATTEMPT_INTENDED: Point.INTENT_COMMITTED,
    Fact.ATTEMPT_STARTED: Point.START_COMMITTED,
    Fact.ATTEMPT_ENDED: Point.RESULT_COMMITTED,
}


@dataclass(slots=True)
class Loop:
    """The parts of a pass, for as long as this process leads."""

    reader: Reader
    cluster: Cluster
    store: Store
    working_set: WorkingSet
    publisher: Publisher
    host: Host
    clock: Clock
    lease: Lease
    keeper: Keeper
    observe_only: bool = False
    concurrency: int = 4
    announcer: Announcer = field(default_factory=Announcer)
    sender: Sender | None = None
    fence: Fence | None = None
    activity: Callable[[], Mapping[Uid, Activity]] = dict
    """What is known of who is used."""
    silent: Callable[[], Mapping[Uid, tuple[Door, ...]]] = dict
    interval_s: int = 30
    tenants: Tenants = field(default_factory=Tenants)
    probation: Probation | None = None
    tidying: Tidying = field(default_factory=Tidying)
    stages: Stages = field(init=False)
    """Of the last pass, or of the one under way."""
    merges: Merges = field(init=False)
    recorder: Recorder = field(init=False)
    kept: Kept = field(init=False)
    """What the last pass had read, for other threads."""
    last: Assessment | None = None
    """What the last pass found, for other threads."""
    _referee: Referee = field(init=False)
    _vault: Vault = field(default_factory=Vault)
    _vetted: Mapping[Uid, Manifest] | None = None
    _accepted: Acceptance | None = None
    _is_first: bool = True
    _backing_off: BackingOff = field(default_factory=BackingOff)
    _standing: Alerts = field(default_factory=Alerts)
    _sight: Sight = field(init=False)
    _harvester: Harvester = field(init=False)
    _snapshot_pace: SnapshotPace = field(default_factory=SnapshotPace)
    _snapshots: snapshots.Writer = field(default_factory=snapshots.Writer)

    def __post_init__(self) -> None:
        """Judge the commits, and follow the merges, of the source that is read."""
        for reader in (self.reader, *self.tenants.readers()):
            reader.probation = self.probation
        self.stages = Stages(self.clock)
        self.publisher.still_leads = self._still_leads
        self._sight = Sight(self.cluster)
        self._harvester = Harvester(self.cluster)
        self.kept = self.reader.kept()
        self.merges = Merges(self.reader.source, self.store, self.announcer)
        self._referee = Referee(self.reader)
        self.recorder = Recorder(
            self.reader,
            self.store,
            self.working_set,
            self.clock,
            self.interval_s,
            self.host,
            self.tenants,
        )

    def reconcile(self, *, fetch: bool = True) -> Report:
        """Make one pass.

        Raises:
            SourceUnavailable: No commit was ever accepted, or a blob can't be read.
            ClusterUnavailable, StoreUnavailable: Nothing was decided on half a reading.
            LeaseLost: Another process leads; nothing was written.
        """
        stages = self.stages = Stages(self.clock)
        with over_a_pass(self.probation):
            wanted = self._want(fetch=fetch)
            stages.end("read")
            observed, may_delete = self._observe(everything=fetch)
            stages.end("observe")
            found = assess(self._world(wanted, observed, may_delete=may_delete))
            stages.end("assess")
            reach(Point.PLAN_MADE)
            self._commit(wanted, found)
            stages.end("commit")
        self.last = found
        self.publisher.post(found.letters)
        outcomes = self._act(found)
        stages.end("act")
        self._announce(found)
        self.publish()
        stages.end("publish")
        self._is_first = False
        self.recorder.passed(wanted, found, outcomes, self._accepted, stages, lease=self.lease)
        return report(
            wanted,
            found,
            outcomes,
            hold=self._accepted.message if self._accepted else "",
            is_unread=self._accepted is not None and self._accepted.is_unread,
            diagnostics=len(self.reader.diagnostics),
            is_waiting=self.probation is not None and self.probation.is_waiting,
            wake_at=earliest(found, self._snapshot_pace, self.sender),
        )

    @property
    def observed(self) -> ObservedState | None:
        """The last reading of the cluster. Any thread."""
        return self._sight.last

    def around(self) -> tuple[ObservedState | None, Mapping[str, Namespace]]:
        """Return the last reading of the cluster, and the namespaces in force. Any thread."""
        last = self.kept.last
        return self.observed, last[1].namespaces if last is not None else {}

    def close(self) -> None:
        """Wait for a push and a request under way, and stop both; look at sources no more."""
        self.tenants.close()
        self.publisher.close()
        if self.sender is not None:
            self.sender.close()

    # -- read -----------------------------------------------------------------------------------

    def _want(self, *, fetch: bool) -> Wanted:
        source = self.reader.source
        good, confirmed = self.working_set.good_files(source.id), self.store.confirmations()
        self.working_set.confirmed = confirmed
        if fetch or self._accepted is None:
            self._accepted = acceptance.accept(
                source,
                accepted=self.working_set.accepted.get(source.id, ""),
                confirmed=confirmed,
                judge=partial(self._referee.objections, good=good),
            )
            log.debug("fetched", extra={"source": source.id, "tip": self._accepted.tip})
        self.stages.end("fetch")
        if not self._accepted.commit:
            raise SourceUnavailable(self._accepted.message)
        wanted = self.reader.read(self._accepted.commit, good=good)
        catalogue = self.reader.catalogue
        united = self.tenants.want(
            wanted,
            catalogue.lent if catalogue else None,
            known=self.working_set,
            memory=self._memory(),
            confirmed=confirmed,
        )
        self._open_secrets(wanted, united)
        self.kept = self.reader.kept()
        return replace(
            united,
            is_confirmed=acceptance.is_confirmed(wanted.commit, confirmed),
            agreed_deletes=self.merges.follow(
                wanted.commit, since=self.working_set.accepted.get(source.id, "")
            ),
        )

    def _open_secrets(self, own: Wanted, united: Wanted) -> None:
        """Open the ciphertexts that are asked for, and say where those stand that don't open."""
        self._vault = self.keeper.vault(united, self._memory())
        if united.manifests is not self._vetted:
            for reader, wanted in ((self.reader, own), *self.tenants.read()):
                files, read = reader.files, reader.read_blob
                reader.add(diagnostics(wanted, self._vault, files=files, read=read))
            self._vetted = united.manifests

    def _observe(self, *, everything: bool) -> tuple[ObservedState, bool]:
        """Read the cluster; tell whether anything may be deleted, which a first reading can't."""
        if self._is_first:
            return self._sight.first(self._memory())
        polled = None if everything else to_poll(self.last, self.observed)
        return self._sight.look(self._memory(), polled), True

    def _world(self, wanted: Wanted, observed: ObservedState, *, may_delete: bool) -> World:
        self.working_set.hold_requests = self.store.hold_requests()
        return World(
            wanted=wanted,
            memory=self._memory(),
            observed=observed,
            host=self.host,
            now=self.clock.now(),
            epoch=self.lease.epoch,
            may_start=not self.observe_only,
            may_delete=may_delete,
            tidies=self.tidying.is_due(wanted, self.clock.now()),
            failures=self._backing_off.messages,
            push_error=self.publisher.error,
            last=self.last,
            moves_told_at=self.last.moves_told_at if self.last else None,
            activity=self.activity(),
            silent=self.silent(),
            vault=self._vault,
        )

    def _memory(self) -> Memory:
        return self.working_set.memory(published_seq=self.publisher.published_seq)

    # -- commit ---------------------------------------------------------------------------------

    def _commit(self, wanted: Wanted, found: Assessment) -> None:
        """Write facts, groups, harvests and statuses in one transaction, before any effect."""
        now = self.clock.now()
        if found.past is not None:
            self.publisher.leave_out(found.past.untold)
            self.tidying.done(wanted, now)
        new = self._changes(wanted, found, now)
        is_snapshot_due = self._snapshot_pace.is_due(found.snapshot, now)
        if new.is_empty and not (self._snapshot_pace.is_behind and is_snapshot_due):
            return
        if is_snapshot_due:
            snapshot = self._snapshots.write(
                found.snapshot, settings_of(wanted.platform), wanted.platform, commit=wanted.commit
            )
            new = replace(new, snapshot=snapshot.text, snapshot_id=snapshot.id)
        entries = self.store.commit(new, self.lease)
        for fact in {entry.fact for entry in entries} & _COMMITTED.keys():
            reach(_COMMITTED[fact])
        self.publisher.forget((*new.forgotten, *new.expired))
        self.working_set.committed(new, entries)
        self._snapshot_pace.stored(found.snapshot, now, with_it=is_snapshot_due)
        touched = {row.uid for row in new.executions} | {e.uid for e in entries if e.uid}
        self.publisher.refresh(
            sorted(touched & self.working_set.statuses.keys()),
            snapshot=new.snapshot,
            sets=wanted.sets,
        )

    def _changes(self, wanted: Wanted, found: Assessment, now: datetime) -> Changes:
        """Return what the pass came to, but for its snapshot."""
        source_id, known = self.reader.source.id, self.working_set
        merged = self.merges.settle(self._memory(), found)
        whose = changes.Whose(wanted, known.identities)
        return Changes(
            facts=changes.facts(found, epoch=self.lease.epoch),
            frozen=changes.frozen_specs(found),
            placements=found.placements,
            progress=found.books.progress,
            usage=found.books.usage,
            runtimes=found.books.runtimes,
            executions=changes.rows(found, self.last, known.statuses, whose=whose, at=now),
            events=(
                *changes.events(found, whose=whose),
                *self._alerts(found, wanted.commit, now),
            ),
            harvests=self._harvester.take(found.harvest, at=now),
            good_files=(
                *changes.good_files(source_id, known.good_files(source_id), self.reader.good),
                *self.tenants.good_files(known),
            ),
            accepted=self._newly_accepted(),
            forgotten=found.forgotten,
            expired=found.past.expired if found.past else (),
            postings=(
                *notices(
                    found, {t.name: t for t in wanted.platform.notify_targets}, last=self.last
                ),
                *self.merges.postings(merged),
            ),
            posted=merged,
            recording=self.recorder.recording(
                wanted, found, self._accepted, merged, self._standing.board, at=now
            ),
        )

    def _alerts(self, found: Assessment, commit: str, at: datetime) -> tuple[Event, ...]:
        acceptances = [*([self._accepted] if self._accepted else ()), *self.tenants.acceptances()]
        wrong = self.publisher.complaints
        return self._standing.update(found.plan.notes, acceptances, wrong, commit=commit, at=at)

    def _newly_accepted(self) -> Mapping[str, str]:
        source_id, found = self.reader.source.id, self.tenants.newly_accepted(self.working_set)
        accepted = self._accepted.commit if self._accepted else ""
        if accepted and self.working_set.accepted.get(source_id) != accepted:
            found[source_id] = accepted
        return found

    # -- act ------------------------------------------------------------------------------------

    def _act(self, found: Assessment) -> tuple[Outcome, ...]:
        if self.observe_only:
            return ()
        now = self.clock.now()
        plan = self._backing_off.due(found.plan, found.records, now)
        read = partial(self.tenants.read_blob, first=self.reader)
        means = Means(
            cluster=self.cluster,
            read_blob=read,
            reveal=self.keeper.reveal,
            still_leads=self._still_leads,
        )
        outcomes = apply(plan, means, concurrency=self.concurrency)
        log_all(outcomes)
        self._backing_off.note(outcomes, found.records, now)
        return outcomes

    def _still_leads(self) -> None:
        if self.fence is not None:
            self.lease = self.fence.passed(self.lease)

    # -- tell -----------------------------------------------------------------------------------

    def publish(self, *, wait: bool = False) -> None:
        """Push what waits to be pushed, if it is time to; with ``wait`` now, and wait for it."""
        now = self.clock.now()
        self._note_published(self.publisher.ahead(now, wait=wait))
        landed = self.publisher.flush(now, wait=wait)
        self._note_published(landed.digests if landed is not None else {})

    def _note_published(self, digests: Mapping[str, str | None]) -> None:
        if digests:
            new = Changes(published=digests)
            self.working_set.committed(new, self.store.commit(new, self.lease))

    def deliver(self) -> None:
        """Send what is due to be sent, and wait for it."""
        if self.sender is not None:
            self.sender.flush(wait=True)

    def tell(self) -> None:
        """Have the outbox emptied beside the loop. Any thread."""
        if self.sender is not None:
            self.sender.flush()

    def _announce(self, found: Assessment) -> None:
        """Put what forges are to know into the outbox, and have it emptied beside the loop."""
        if self._accepted is not None:
            news = self.announcer.statuses(
                self._accepted,
                found,
                self.reader.diagnostics,
                self._backing_off.messages,
                remark=self.merges.remark,
                others=self.working_set.uids_besides(self.reader.source.id)
                if self.announcer.has_forge
                else (),
            )
            # After a restart the announcer believes that all of it is news.
            fresh = tuple(posting for posting in news if not self.store.is_known(posting))
            if fresh:
                self.store.commit(Changes(postings=fresh), self.lease)
        self.tell()
