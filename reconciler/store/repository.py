"""The store as the loop knows it (``reconciler.ports.Store``): SQLite and PostgreSQL alike."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Self

from sqlalchemy import Connection

from policy.model.execution import Uid
from reconciler.clock import elapsed_s
from reconciler.converge.idleness import Activity
from reconciler.converge.ledger import Entry
from reconciler.converge.world import HoldRequest
from reconciler.errors import InvariantViolated, StoreUnavailable
from reconciler.inbox import ReviewRequest
from reconciler.outbound.outbox import Letter, Posting
from reconciler.ports import Clock, Lease, StoreCondition
from reconciler.posted import PostedPlan
from reconciler.recovery.restoration import Restoration
from reconciler.reporting.records import Event, Harvest, PassRow, Pulse, Tail
from reconciler.source.probation import Key, Trial
from reconciler.store import (
    accepted,
    accounts,
    activity,
    compacting,
    condition,
    confirmations,
    executions,
    frozen,
    history,
    holds,
    ledger,
    meta,
    migrate,
    outbox,
    placements,
    posted,
    publication,
    pulses,
    recording,
    restoring,
    retention,
    reviews,
    runtimes,
    stalled,
    tails,
    trials,
    wanted,
)
from reconciler.store import lease as lease_row
from reconciler.store.engine import SILENCE_S, open_engine, parse_url
from reconciler.store.process import current_process
from reconciler.store.transactions import Transactions
from reconciler.store.waiting import waiter
from reconciler.stored import Changes, Stored


class SqlStore:
    """The database behind one URL, for one deployment. Safe to use from several threads.

    Creating it connects to nothing. ``poll_s`` is how often SQLite is asked for requests, and
    how often a lost PostgreSQL is tried again; one that is silent for ``silence_s`` is given up.
    Only one thread waits for requests at a time.

    Raises:
        ConfigError: The URL isn't usable.
    """

    def __init__(
        self,
        url: str,
        *,
        deployment: str,
        clock: Clock,
        random: Random,
        poll_s: float = 1.0,
        elapsed_s: Callable[[], float] = elapsed_s,
        silence_s: float = SILENCE_S,
    ) -> None:
        self._deployment = deployment
        self._clock = clock
        self._elapsed_s = elapsed_s
        self._engine = open_engine(parse_url(url), silence_s=silence_s)
        self._closed = threading.Event()
        self._transactions = Transactions(self._engine, random=random, wait=self._closed.wait)
        self._waiter = waiter(
            self._engine,
            lambda: self._transactions.read(wanted.is_any),
            channel=wanted.WANTED_CHANNEL,
            interval_s=poll_s,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Drop all connections and end a wait that is under way."""
        self._closed.set()
        self._waiter.close()
        self._engine.dispose()

    def migrate(self) -> None:
        """Bring the schema up to date, under a lock; make the database this deployment's.

        What stands still in the way is ended first.

        Raises:
            StoreUnavailable: It can't be reached.
            ConfigError: It is newer than this code, somebody else's or another deployment's.
        """
        self._make_folder()
        if self._engine.dialect.name == "postgresql":
            self._transactions.read(stalled.end)

        def work(connection: Connection) -> None:
            migrate.upgrade(connection)
            meta.claim(connection, self._deployment)

        self._transactions.write(work)

    def know_key(self, ours: str, *, is_new: bool = False) -> str:
        """Return by what the key is known: ``ours``, if none is or it ``is_new``."""
        return self._transactions.write(lambda c: meta.know_key(c, ours, is_new=is_new))

    def condition(self) -> StoreCondition:
        """Return what there is to be said before it is migrated. Raises StoreUnavailable."""
        return self._transactions.read(condition.read)

    def acquire_lease(self, holder: str, *, ttl_s: float) -> Lease | None:
        """Take the lease if it is free, expired, ours, or its holder on this boot is dead.

        Returns None while somebody else leads. Raises StoreUnavailable.
        """
        process, asked_s = current_process(), self._elapsed_s()
        taken = self._transactions.write(
            lambda connection: lease_row.acquire(connection, holder, process, ttl_s=ttl_s)
        )
        return replace(taken, lasts_until_s=asked_s + ttl_s) if taken else None

    def renew_lease(self, lease: Lease, *, ttl_s: float) -> Lease:
        """Let the lease last ``ttl_s`` from now. Raises LeaseLost, StoreUnavailable."""
        asked_s = self._elapsed_s()
        renewed = self._transactions.write(
            lambda connection: lease_row.renew(connection, lease, ttl_s=ttl_s)
        )
        return replace(renewed, lasts_until_s=asked_s + ttl_s)

    def release_lease(self, lease: Lease) -> None:
        """Give the lease up; having lost it before is fine. Raises StoreUnavailable."""
        self._transactions.write(lambda connection: lease_row.release(connection, lease))

    def load(self) -> Stored:
        """Read the working set in one consistent snapshot.

        Raises:
            StoreUnavailable: The database can't be reached.
            InvariantViolated: It holds what this code can't have written.
        """
        try:
            return self._transactions.read(_read)
        except (ValueError, TypeError, KeyError) as error:
            raise InvariantViolated("a stored row can't be read", evidence=str(error)) from error

    def commit(self, changes: Changes, lease: Lease) -> tuple[Entry, ...]:
        """Write everything in one transaction and bump the version; return numbered facts.

        Without changes only the lease is checked.

        Raises:
            LeaseLost: Another holder or epoch has the lease; nothing was written.
            InvariantViolated: A constraint was broken; nothing was written.
            StoreUnavailable: It isn't known whether it was written: load again.
        """
        now = self._clock.now()
        return self._transactions.write(lambda connection: _write(connection, changes, lease, now))

    def restore(self, restoration: Restoration, lease: Lease) -> Lease:
        """Fill the database from what was published. Raises LeaseLost, StoreUnavailable."""
        now = self._clock.now()

        def work(connection: Connection) -> Lease:
            _write(connection, restoration.rest, lease, now)
            restoring.facts(connection, restoration.facts)
            asked, by = restoration.holds, restoration.by
            restoring.orders(connection, restoration.confirmed, asked, by=by, at=now)
            return restoring.lead_after(connection, lease, restoration.epoch)

        return self._transactions.write(work)

    def beat(self, pulse: Pulse, row: PassRow | None, lease: Lease) -> None:
        """Write a sign of life and what a pass did; the version stays.

        Raises LeaseLost, StoreUnavailable.
        """

        def work(connection: Connection) -> None:
            lease_row.check(connection, lease)
            pulses.write(connection, pulse)
            if row is not None:
                pulses.add_pass(connection, row)

        self._transactions.write(work)

    def looked_at(self, *, since: datetime, limit: int) -> tuple[Uid, ...]:
        """Return the runs whose logs were asked for since then, the newest request first."""
        return self._transactions.read(
            lambda connection: tails.looked_at(connection, since=since, limit=limit)
        )

    def write_tails(self, read: Sequence[Tail], *, keep_since: datetime) -> None:
        """Store what was read of logs; forget requests and tails from before ``keep_since``."""

        def work(connection: Connection) -> None:
            tails.write(connection, read)
            tails.forget(connection, before=keep_since)

        self._transactions.write(work)

    def activities(self) -> tuple[Activity, ...]:
        """Return what is known of who is used. Raises StoreUnavailable."""
        return self._transactions.read(activity.read)

    def write_activities(self, known: Sequence[Activity], *, gone: Collection[Uid]) -> None:
        """Store what was learned of some, and forget others; the version stays."""
        self._transactions.write(lambda connection: activity.write(connection, known, gone=gone))

    def trials(self) -> tuple[Trial, ...]:
        """Return what was in hand when somebody ended. Raises StoreUnavailable."""
        return self._transactions.read(trials.read)

    def write_trials(self, found: Sequence[Trial], *, gone: Iterable[Key]) -> None:
        """Store what is about to be tried, and forget what was; the version stays."""
        self._transactions.write(lambda connection: trials.write(connection, found, gone=gone))

    def state_version(self) -> int:
        """Return the counter that rises with each committed write. Raises StoreUnavailable."""
        return self._transactions.read(meta.state_version)

    def events(
        self, *, uid: str = "", namespace: str = "", name: str = "", limit: int = 100
    ) -> tuple[Event, ...]:
        """Return the newest events, newest last, of an execution or of all."""
        return self._transactions.read(
            lambda connection: history.read_events(
                connection, uid=uid, namespace=namespace, name=name, limit=limit
            )
        )

    def harvests(self, uid: str) -> tuple[Harvest, ...]:
        """Return what was harvested of a run, oldest first."""
        return self._transactions.read(lambda connection: history.read_harvests(connection, uid))

    def request_pass(self, source_id: str) -> None:
        """Mark a source as wanted now and wake a waiting loop.

        Needs no lease and leaves the version alone: a request changes nothing that pages show,
        and a flood of them must not wait for the loop's writes.
        """
        now = self._clock.now()
        self._transactions.write(lambda connection: wanted.request(connection, source_id, now=now))

    def take_wanted(self) -> tuple[str, ...]:
        """Return and clear the wanted sources, sorted."""
        return self._transactions.write(wanted.take)

    def wait_for_wanted(self, timeout_s: float) -> bool:
        """Wait until a pass is wanted, at most ``timeout_s``; False also after :meth:`close`.

        Never fails: while the database can't be reached it waits on.
        """
        return self._waiter.wait(timeout_s)

    def review_requests(self) -> tuple[ReviewRequest, ...]:
        """Return what is to be reviewed, oldest first."""
        return self._transactions.read(reviews.waiting)

    def posted_plans(self, source_id: str) -> tuple[PostedPlan, ...]:
        """Return the plans that a source's pull requests were shown, by subject."""
        return self._transactions.read(lambda connection: posted.read(connection, source_id))

    def forget(self, *, tries_only: bool = False) -> Mapping[str, int]:
        """Remove what is too old to matter: deliveries, and what was written down for people.

        Returns how much went, or with ``tries_only`` would. Needs no lease; the version stays.
        """
        now, forget = self._clock.now(), retention.would_forget if tries_only else retention.forget
        return self._transactions.write(lambda connection: forget(connection, now=now))

    def compact(self) -> int:
        """Give the room of what was removed back to the disk; return how many bytes."""
        return compacting.compact(self._engine)

    def confirm(self, commit: str, *, by: str, at: datetime) -> None:
        """Record an operator's confirmation of a commit; the first one counts. No lease needed."""
        self._transactions.write(
            lambda connection: confirmations.confirm(connection, commit, by=by, at=at)
        )

    def confirmations(self) -> frozenset[str]:
        """Return the confirmed commits."""
        return self._transactions.read(confirmations.read)

    def ask_hold(self, asked: HoldRequest) -> None:
        """Record that an operator holds or releases a name; the newest counts. No lease needed."""
        self._transactions.write(lambda connection: holds.ask(connection, asked))

    def hold_requests(self) -> tuple[HoldRequest, ...]:
        """Return the newest request of each name."""
        return self._transactions.read(holds.read)

    def waiting_letters(self) -> Sequence[Letter]:
        """Return the letters that are to be sent, the longest waiting first."""
        return self._transactions.read(outbox.waiting)

    def is_known(self, posting: Posting) -> bool:
        """Tell whether just this was put into the outbox before, sent or not."""
        return self._transactions.read(lambda connection: outbox.is_known(connection, posting))

    def is_sent(self, posting: Posting) -> bool:
        """Tell whether the target has just this content."""
        return self._transactions.read(lambda connection: outbox.is_sent(connection, posting))

    def record_delivery(self, before: Letter, after: Letter) -> None:
        """Store what came of a try to send a letter. No lease needed; the version stays."""
        self._transactions.write(lambda connection: outbox.record(connection, before, after))

    def _make_folder(self) -> None:
        if self._engine.dialect.name != "sqlite":
            return
        folder = Path(self._engine.url.database or "").parent
        try:
            # Specs and logs are nobody else's to read.
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StoreUnavailable(f"the database's folder can't be made: {error}") from error


def _read(connection: Connection) -> Stored:
    return Stored(
        entries=ledger.entries(connection),
        frozen=frozen.read(connection),
        placements=placements.read(connection),
        progress=accounts.read_progress(connection),
        usage=accounts.read_usage(connection),
        runtimes=runtimes.read(connection),
        executions=executions.read(connection),
        good_files=accepted.read_files(connection),
        accepted=accepted.read_commits(connection),
        snapshot=publication.read_snapshot(connection),
        published=publication.read_files(connection),
        hold_requests=holds.read(connection),
        recorded=recording.read(connection),
        state_version=meta.state_version(connection),
    )


def _write(
    connection: Connection, changes: Changes, lease: Lease, now: datetime
) -> tuple[Entry, ...]:
    lease_row.check(connection, lease)
    if changes.is_empty:
        return ()
    version = meta.bump(connection)
    numbered = ledger.append(connection, changes.facts, epoch=lease.epoch)
    frozen.write(connection, changes.frozen)
    placements.write(connection, changes.placements)
    accounts.write_progress(connection, changes.progress)
    accounts.write_usage(connection, changes.usage)
    runtimes.add(connection, changes.runtimes)
    executions.write(connection, changes.executions, now=now, version=version)
    executions.forget(connection, (*changes.forgotten, *changes.expired))
    ledger.forget(connection, changes.expired)
    history.append_events(connection, changes.events)
    history.write_harvests(connection, changes.harvests)
    accepted.write_files(connection, changes.good_files)
    accepted.write_commits(connection, changes.accepted, now=now)
    publication.write_snapshot(
        connection, changes.snapshot, digest=changes.snapshot_id, now=now, version=version
    )
    publication.write_files(connection, changes.published)
    outbox.put(connection, changes.postings, now=now)
    reviews.done(connection, changes.reviewed)
    posted.write(connection, changes.posted, now=now)
    recording.write(connection, changes.recording, version=version)
    return numbered
