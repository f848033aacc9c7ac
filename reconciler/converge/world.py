"""What goes into a pass, and what comes out of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter

from policy.model.cluster import Snapshot
from policy.model.decision import Decision
from policy.model.execution import Allocation, NodeId, Uid
from reconciler.converge.accounting import Books, Progress, Use
from reconciler.converge.basis import Basis
from reconciler.converge.desired_state import DesiredState
from reconciler.converge.history import Runtimes
from reconciler.converge.host import Host
from reconciler.converge.idleness import Activity
from reconciler.converge.ledger import Hold, Record
from reconciler.converge.letters import Letter
from reconciler.converge.listening import Door
from reconciler.converge.phases import Facts
from reconciler.converge.plan import Plan
from reconciler.converge.queue import Candidate
from reconciler.converge.render import Rendered
from reconciler.converge.runs import Recurrence
from reconciler.converge.secrets import Vault
from reconciler.converge.state import ObservedState
from reconciler.converge.status import Status
from reconciler.converge.status_document import StatusDocument
from reconciler.converge.steps import Step
from reconciler.converge.tasks import Group
from reconciler.manifest.platform import Namespace, Platform, Reservation
from reconciler.manifest.spec import ExecutionSpec, Manifest, SetSummary


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Whose run a uid is, remembered when its manifest is gone.

    ``source_id`` is where its manifest came from; "" = the platform's source.
    """

    namespace: str
    name: str
    run: int
    source_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldRequest:
    """What an operator asked for a name: to be held, with ``told`` as the reason, or released."""

    namespace: str
    name: str
    by: str
    at: datetime
    told: str = ""
    is_release: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How a source was read: what decides whether that which left it may be stopped.

    ``agreed_deletes`` are shown to go by the plan of what the commit merged. ``missing`` says by a
    code and a sentence why nothing is known of the source; nothing of it is stopped then.
    """

    commit: str = ""
    message: str = ""
    tree_is_empty: bool = False
    unparsed_namespaces: frozenset[str] = frozenset()
    unparsed_sets: frozenset[str] = frozenset()
    is_confirmed: bool = False
    agreed_deletes: frozenset[Uid] = frozenset()
    missing: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the accepted commits ask for.

    ``manifests`` are the executions as they were written; a pass puts the runs that are wanted now
    in the place of those with a schedule, and these into ``recurrences`` (``converge.schedule``).
    ``agreed_deletes`` are shown to go by the plan of what the commit merged. All that isn't about
    executions is of the platform's source, ``source_id``; ``tenants`` are the other sources.
    """

    source_id: str = ""
    tenants: Mapping[str, Reading] = field(default_factory=dict)
    commit: str = ""
    message: str = ""
    manifests: Mapping[Uid, Manifest] = field(default_factory=dict)
    invalid: tuple[tuple[Identity, Uid, str], ...] = ()
    namespaces: Mapping[str, Namespace] = field(default_factory=dict)
    platform: Platform = field(default_factory=Platform)
    reservations: Mapping[str, Reservation] = field(default_factory=dict)
    recurrences: Mapping[Uid, Recurrence] = field(default_factory=dict)
    sets: tuple[SetSummary, ...] = ()
    tree_is_empty: bool = False
    unparsed_namespaces: frozenset[str] = frozenset()
    unparsed_sets: frozenset[str] = frozenset()
    is_confirmed: bool = False
    agreed_deletes: frozenset[Uid] = frozenset()

    def source(self, source_id: str) -> str:
        """Return a source's id, and "" for the platform's (and where only one is spoken of)."""
        return "" if not self.source_id or source_id == self.source_id else source_id

    def reading(self, source_id: str) -> Reading:
        """Return how a source was read; ``source_id`` is as :meth:`source` returns it."""
        if not source_id:
            return Reading(
                commit=self.commit,
                message=self.message,
                tree_is_empty=self.tree_is_empty,
                unparsed_namespaces=self.unparsed_namespaces,
                unparsed_sets=self.unparsed_sets,
                is_confirmed=self.is_confirmed,
                agreed_deletes=self.agreed_deletes,
            )
        return self.tenants.get(source_id) or Reading(missing=_gone(source_id))


def _gone(source_id: str) -> tuple[str, str]:
    told = (
        f"it came from {source_id}, which is no [[source]] of zoe.toml any more: put that back, "
        f"or stop all that came from there: zoe confirm {source_id}"
    )
    return "SourceGone", told


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What the database remembers, keyed for a pass.

    ``hold_requests`` are the newest of each (namespace, name). ``harvested`` are attempt, component
    and node of the groups whose results this process stored last.
    """

    records: Mapping[Uid, Record] = field(default_factory=dict)
    identities: Mapping[Uid, Identity] = field(default_factory=dict)
    frozen: Mapping[tuple[Uid, int], ExecutionSpec] = field(default_factory=dict)
    placements: Mapping[Uid, tuple[Allocation, ...]] = field(default_factory=dict)
    progress: Mapping[Uid, Progress] = field(default_factory=dict)
    usage: Mapping[str, Use] = field(default_factory=dict)
    runtimes: Runtimes = field(default_factory=dict)
    statuses: Mapping[Uid, StatusDocument] = field(default_factory=dict)
    hold_requests: Mapping[tuple[str, str], HoldRequest] = field(default_factory=dict)
    last_seq: int = 0
    published_seq: int = 0
    harvested: Collection[tuple[Uid, int, str, str]] = frozenset()

    def undecided(self) -> frozenset[tuple[str, str]]:
        """Return the namespaces and names of what may have run, and so isn't run."""
        held = (self.identities.get(uid) for uid, record in self.records.items() if record.held)
        return frozenset((whose.namespace, whose.name) for whose in held if whose is not None)

    def holds(self) -> Mapping[tuple[str, str], Hold]:
        """Return what is held, by namespace and name: by the ledger or by what was asked since."""
        found: dict[tuple[str, str], Hold] = {}
        for uid, record in self.records.items():
            identity = self.identities.get(uid)
            if record.hold is None or identity is None:
                continue
            name = (identity.namespace, identity.name)
            found[name] = max(found.get(name, record.hold), record.hold, key=attrgetter("at"))
        for name, asked in self.hold_requests.items():
            if asked.is_release:
                found.pop(name, None)
            else:
                found[name] = Hold(by=asked.by, told=asked.told, at=asked.at)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that a pass depends on.

    ``attempts_are_as_recorded`` is for previews, which know no tasks: an open attempt goes on as
    the ledger has it, to the end of its lifetime. ``push_error`` says why the status branch
    doesn't take our pushes. ``last`` is what the pass before found, if that was committed: what
    would come out the same is taken from it. It changes how long a pass takes and nothing else,
    but for who has only moved in a long queue: since ``moves_told_at`` that may have been put off.
    ``tells`` is whose status is asked for (None = everybody's); what should exist is worked out
    for all or not at all. ``activity`` is what the probes found of who is used, ``silent`` the
    ports that nothing listens on, ``vault`` what is known of secrets where the keys are.
    ``tidies``: it is asked what is past its time.
    """

    wanted: Wanted
    memory: Memory
    observed: ObservedState
    host: Host
    now: datetime
    epoch: int = 0
    may_start: bool = True
    may_delete: bool = True
    attempts_are_as_recorded: bool = False
    failures: Mapping[Uid, tuple[str, ...]] = field(default_factory=dict)
    push_error: str = ""
    last: Assessment | None = None
    moves_told_at: datetime | None = None
    vault: Vault = field(default_factory=Vault)
    tells: Collection[Uid] | None = None
    tidies: bool = False
    activity: Mapping[Uid, Activity] = field(default_factory=dict)
    silent: Mapping[Uid, tuple[Door, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What is past its time: ``untold`` is all that isn't published, ``expired`` what is forgotten.

    See ``converge.forgetting``.
    """

    untold: frozenset[Uid] = frozenset()
    expired: tuple[Uid, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """What a pass found: facts to commit before any effect, effects, and what to tell.

    ``rendered``, ``told``, ``candidates`` (what the snapshot was taken from) and ``basis`` are for
    the next pass. ``forgotten`` are runs of schedules that are not told any more; ``homes`` the
    nodes of namespaces' local storage, ``letters`` what their members are told in confidence, by
    path. ``past`` is what is long over, where that was asked. ``moves_told_at`` is when many who
    had only moved in the queue were told last. ``wake_at`` is when a clock alone may change the
    answer.
    """

    steps: tuple[Step, ...]
    records: Mapping[Uid, Record]
    frozen: Mapping[tuple[Uid, int], ExecutionSpec]
    placements: Mapping[Uid, tuple[Allocation, ...]]
    snapshot: Snapshot
    decision: Decision
    desired: DesiredState
    plan: Plan
    books: Books
    statuses: tuple[Status, ...]
    harvest: tuple[tuple[Uid, Group], ...]
    held: Mapping[Uid, tuple[str, str]]
    rendered: Mapping[Uid, Rendered]
    told: Mapping[Uid, tuple[Facts, Status]]
    forgotten: tuple[Uid, ...] = ()
    candidates: Mapping[Uid, Candidate] = field(default_factory=dict)
    basis: Basis | None = None
    homes: Mapping[str, NodeId] = field(default_factory=dict)
    letters: Mapping[str, Letter] = field(default_factory=dict)
    past: Past | None = None
    moves_told_at: datetime | None = None
    wake_at: datetime | None = None
