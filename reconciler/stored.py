"""What the database remembers of executions, and what one transaction changes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from policy.model.execution import Allocation, Uid
from reconciler.converge.accounting import Progress, Use
from reconciler.converge.history import Runtime
from reconciler.converge.ledger import Entry
from reconciler.converge.world import HoldRequest
from reconciler.inbox import ReviewRequest
from reconciler.manifest.spec import ExecutionSpec
from reconciler.outbound.outbox import Posting
from reconciler.posted import PostedPlan
from reconciler.reporting.records import Event, Harvest, Recorded, Recording


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenSpec:
    """What was resolved when a generation was admitted."""

    uid: Uid
    generation: int
    spec_hash: str
    spec: ExecutionSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionRow:
    """An execution as lists and pages need it. ``status`` is its status document as JSON data.

    ``uid`` is one run; (namespace, name) may have several, the newest run is the current one.
    """

    uid: Uid
    namespace: str
    name: str
    run: int
    source_id: str
    phase: str
    reason: str
    status: Mapping[str, object]
    is_final: bool = False
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GoodFile:
    """The newest valid content of a manifest file, and the commit that it was first seen in."""

    source_id: str
    path: str
    blob: str
    commit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What one transaction writes. Empty parts write nothing; equal rows aren't rewritten.

    ``placements`` replaces the groups of each uid that it names (empty = none); ``progress`` with
    None removes the row; ``runtimes`` are added, and the oldest of theirs fall out; ``good_files``
    with an empty blob removes the row; ``accepted`` is source id -> commit. ``forgotten`` loses
    its row, frozen specs, harvests; its facts stay. ``expired`` loses those too. ``reviewed``
    requests are removed. ``snapshot_id`` is what the snapshot is told apart by.
    """

    facts: tuple[Entry, ...] = ()
    frozen: tuple[FrozenSpec, ...] = ()
    placements: Mapping[Uid, tuple[Allocation, ...]] = field(default_factory=dict)
    progress: Mapping[Uid, Progress | None] = field(default_factory=dict)
    usage: Mapping[str, Use] = field(default_factory=dict)
    runtimes: tuple[Runtime, ...] = ()
    executions: tuple[ExecutionRow, ...] = ()
    events: tuple[Event, ...] = ()
    harvests: tuple[Harvest, ...] = ()
    good_files: tuple[GoodFile, ...] = ()
    accepted: Mapping[str, str] = field(default_factory=dict)
    snapshot: str | None = None
    snapshot_id: str = ""
    published: Mapping[str, str | None] = field(default_factory=dict)
    forgotten: tuple[Uid, ...] = ()
    expired: tuple[Uid, ...] = ()
    postings: tuple[Posting, ...] = ()
    reviewed: tuple[ReviewRequest, ...] = ()
    posted: tuple[PostedPlan, ...] = ()
    recording: Recording = field(default_factory=Recording)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        return self == Changes()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """The working set, as read at the start of a leadership (or by a reader)."""

    entries: tuple[Entry, ...]
    frozen: tuple[FrozenSpec, ...]
    placements: Mapping[Uid, tuple[Allocation, ...]]
    progress: Mapping[Uid, Progress] = field(default_factory=dict)
    usage: Mapping[str, Use] = field(default_factory=dict)
    runtimes: tuple[Runtime, ...] = ()
    executions: tuple[ExecutionRow, ...]
    good_files: tuple[GoodFile, ...]
    accepted: Mapping[str, str]
    snapshot: str | None
    published: Mapping[str, str]
    hold_requests: tuple[HoldRequest, ...] = ()
    recorded: Recorded = field(default_factory=Recorded)
    state_version: int
