"""The outside as the loop sees it: Git, the Swarm, the status branch, the clock.

Adapters implement these and never import one another. Each method says what it costs and which
errors of ``reconciler.errors`` it raises; anything else that escapes an adapter is its bug.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from policy.model.execution import Uid
from reconciler.converge.ledger import Entry
from reconciler.converge.state import (
    ConfigSpec,
    NetworkSpec,
    ObservedState,
    SecretSpec,
    ServiceSpec,
)
from reconciler.orders import Orders
from reconciler.outbound.delivery import Outbox
from reconciler.posted import Reviews
from reconciler.probes.activities import Activities
from reconciler.recovery.restoration import Restorable
from reconciler.reporting.records import Event, Harvest, PassRow, Pulse, Tail
from reconciler.source.probation import Trials
from reconciler.source.provenance import Traceable
from reconciler.stored import Changes, Stored


class Clock(Protocol):
    """Time. The only reader of the wall clock."""

    def now(self) -> datetime:
        """Return the time in UTC, aware, cut to milliseconds."""


TIDYING = "(tidying)"
"""What is wanted, in place of a source, by who wants to have looked for what is past its time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """A commit as far as we carry it along. Texts are cleaned of control characters."""

    id: str
    author: str
    committed_at: datetime
    message: str
    parents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedEntry:
    """A tree entry that is never read (symlink, submodule, bad name), and why."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """All files of a commit by path, and what was refused."""

    commit: Commit
    files: Mapping[str, str]
    refused: tuple[RefusedEntry, ...] = ()


class Source(Traceable, Protocol):
    """A Git repository that manifests come from: a bare mirror, never a checkout."""

    @property
    def id(self) -> str:
        """Return the declared id of the source (identity never depends on its URL)."""

    def fetch(self) -> str:
        """Bring the mirror up to date and return the commit id at the branch's tip.

        Raises:
            SourceUnavailable: The remote can't be reached, refused us, or the branch isn't there.
        """

    def resolve(self, revision: str) -> str:
        """Return the commit id that a full ref name, branch or (short) id stands for.

        Raises:
            SourceUnavailable: The mirror holds no such commit.
        """

    def commit(self, commit: str) -> Commit:
        """Return who committed what and when. Raises SourceUnavailable if nobody did."""

    def tree(self, commit: str) -> Tree:
        """Return path -> blob id of every regular file; reads no blob.

        Raises:
            SourceUnavailable: The mirror holds no such commit, or its tree is beyond bounds.
        """

    def read(self, blob: str, *, limit_bytes: int) -> bytes:
        """Return a blob's bytes.

        Raises:
            SourceUnavailable: It isn't in the mirror.
            ValueError: It is larger than ``limit_bytes`` (asked without inflating it).
        """

    def is_descendant(self, commit: str, ancestor: str) -> bool:
        """Tell whether ``ancestor`` is ``commit`` or reachable from it."""


class Cluster(Protocol):
    """Docker Swarm, as the few calls that we make. Names are unique; updates compare-and-swap."""

    def observe(self) -> ObservedState:
        """Return one complete reading: nodes, our services, all tasks, networks, files.

        Raises:
            ClusterUnavailable: Any part of it couldn't be listed whole.
        """

    def refresh(self, last: ObservedState, services: Collection[str]) -> ObservedState | None:
        """Return the reading made last with the tasks of some services read anew.

        None where more may have changed since than other tasks: an event came, or may have been
        missed, something was written, ``last`` isn't the newest reading or is too old. Then
        ``observe`` is to be asked.

        Raises:
            ClusterUnavailable: The tasks couldn't be listed.
        """

    def create_network(self, spec: NetworkSpec) -> str:
        """Create an overlay network and return its id.

        Raises:
            NameTaken, ActionFailed, ClusterUnavailable
        """

    def remove_network(self, network_id: str) -> None:
        """Remove a network by id. Gone already is fine.

        Raises:
            ConflictError: A service still uses it.
        """

    def create_config(self, spec: ConfigSpec) -> str:
        """Create a config and return its id. Raises NameTaken, ActionFailed."""

    def remove_config(self, config_id: str) -> None:
        """Remove a config by id. Gone already is fine. Raises ConflictError while in use."""

    def create_secret(self, spec: SecretSpec) -> str:
        """Create a secret and return its id. Raises NameTaken, ActionFailed."""

    def remove_secret(self, secret_id: str) -> None:
        """Remove a secret by id, if it is ours and unused; else ConflictError. Gone is fine."""

    def create_service(self, spec: ServiceSpec) -> str:
        """Create a service and return its id.

        Raises:
            NameTaken: A service of that name exists (ours or not).
            Missing: A network, config or secret that it names isn't there.
            ActionFailed: The engine refuses the spec.
            ClusterUnavailable: No answer: it may or may not exist now. List before any retry.
        """

    def update_service(self, service_id: str, version: int, spec: ServiceSpec) -> None:
        """Replace a service's spec as read at ``version``. Changing only replicas restarts nobody.

        Raises:
            ConflictError: Somebody wrote since ``version``.
            Missing: The service, or something that it names, isn't there.
            ActionFailed: The engine refuses the spec.
        """

    def remove_service(self, service_id: str, *, uid: str) -> None:
        """Remove a service by id, after checking that it still carries our ``uid`` label.

        Gone already is fine. Raises ConflictError if it no longer is ours.
        """

    def logs(self, service_id: str, *, tail: int, limit_bytes: int = 65_536) -> str:
        """Return the last lines of a service's tasks, control characters shown as escapes.

        Raises Missing if the service is gone.
        """

    def wait_for_event(self, timeout_s: float) -> bool:
        """Wait until something of the Swarm changed, at most ``timeout_s``; tell whether it did.

        A hint only: tasks send no events, and a broken stream returns True.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to write, while it lasts. ``epoch`` rises with every take-over."""

    holder: str
    epoch: int
    expires_at: datetime
    lasts_until_s: float = field(default=0, compare=False)  # at least, by clock.elapsed_s here


class Schema(StrEnum):
    """How the tables compare with what this version wants."""

    NONE = "none"
    OLDER = "older"
    CURRENT = "current"
    NEWER = "newer"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreCondition:
    """What ``zoe doctor`` learns of a database; ``now`` is its own time.

    Without current tables the rest isn't looked at.
    """

    schema: Schema
    now: datetime
    deployment: str = ""
    has_facts: bool = False
    epoch: int = 0
    key_mark: str = ""


class Store(Outbox, Orders, Reviews, Activities, Restorable, Trials, Protocol):
    """The database. Every write carries the lease's epoch and is refused without it."""

    def migrate(self) -> None:
        """Bring the schema up to date, under a lock. Raises StoreUnavailable, ConfigError."""

    def condition(self) -> StoreCondition:
        """Return what there is to be said of it. Raises StoreUnavailable."""

    def know_key(self, ours: str, *, is_new: bool = False) -> str:
        """Return the installation's ``Keyring.mark``: ``ours``, if none is known or it is new."""

    def acquire_lease(self, holder: str, *, ttl_s: float) -> Lease | None:
        """Take the lease if it is free, expired, ours, or its holder on this boot is dead.

        Time is the database's. Returns None while somebody else leads.
        """

    def renew_lease(self, lease: Lease, *, ttl_s: float) -> Lease:
        """Extend the lease. Raises LeaseLost."""

    def release_lease(self, lease: Lease) -> None:
        """Give the lease up; losing it before is fine."""

    def load(self) -> Stored:
        """Read the working set in one consistent snapshot. Raises StoreUnavailable."""

    def commit(self, changes: Changes, lease: Lease) -> tuple[Entry, ...]:
        """Write everything in one transaction and bump state_version; return numbered facts.

        Raises:
            LeaseLost: The epoch isn't the lease's any more; nothing was written.
            StoreUnavailable: It isn't known whether it was written: load again.
        """

    def beat(self, pulse: Pulse, row: PassRow | None, lease: Lease) -> None:
        """Write down that the loop is alive, and what a pass did.

        The version stays: nothing changed that anybody has to fetch for it.

        Raises:
            LeaseLost, StoreUnavailable
        """

    def looked_at(self, *, since: datetime, limit: int) -> tuple[Uid, ...]:
        """Return the runs whose logs were asked for since then, the newest request first."""

    def write_tails(self, tails: Sequence[Tail], *, keep_since: datetime) -> None:
        """Store what was read of logs; forget requests and tails from before ``keep_since``."""

    def state_version(self) -> int:
        """Return the counter that rises with each committed write."""

    def events(
        self, *, uid: str = "", namespace: str = "", name: str = "", limit: int = 100
    ) -> tuple[Event, ...]:
        """Return the newest events, newest last, of an execution or of all."""

    def harvests(self, uid: str) -> tuple[Harvest, ...]:
        """Return what was harvested of a run, oldest first."""

    def request_pass(self, source_id: str) -> None:
        """Mark a source as wanted now (no lease needed) and notify a waiting loop."""

    def take_wanted(self) -> tuple[str, ...]:
        """Return and clear the wanted sources."""

    def wait_for_wanted(self, timeout_s: float) -> bool:
        """Wait until a pass is wanted, at most ``timeout_s``; NOTIFY on PostgreSQL, else polled."""

    def forget(self, *, tries_only: bool = False) -> Mapping[str, int]:
        """Remove what is too old to matter: deliveries, and what was written down for people.

        Returns how much went, or with ``tries_only`` would.
        """

    def compact(self) -> int:
        """Give the room of what was removed back to the disk; return how many bytes."""
