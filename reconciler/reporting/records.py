"""What the loop writes down so that people can look at it later, and how it is read.

The loop's own memory is in ``stored.Stored``; nothing here is ever decided on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from policy.model.execution import Uid
from reconciler import canonical


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something worth telling about an execution (or, with an empty uid, the whole)."""

    at: datetime
    reason: str
    message: str
    uid: str = ""
    namespace: str = ""
    name: str = ""
    commit: str = ""
    is_warning: bool = False
    id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Harvest:
    """What was left of a group's task when it ended: stored before anything is removed."""

    uid: Uid
    attempt: int
    component: str
    node: str
    exit_code: int | None
    error: str
    log_tail: str
    at: datetime

    @property
    def key(self) -> tuple[Uid, int, str, str]:
        """The group that it is of."""
        return self.uid, self.attempt, self.component, self.node


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """The loop's sign of life: when it last ended a pass, and how often it makes one at least."""

    at: datetime
    interval_s: int
    commit: str = ""
    """The accepted commit; "" until a first pass has ended (``at`` is then when one was tried)."""
    problem: str = ""
    """Why the last try of a pass failed, or why the newest commit isn't desired; "" if all is
    well. For anybody to read: never what an engine or a server said."""
    tried_at: datetime | None = None
    """When a pass was last tried, whatever came of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PassRow:
    """A pass that did something, or one of the others a minute. Amounts are of ready nodes."""

    at: datetime
    duration_ms: int
    commit: str
    running: int
    waiting: int
    actions: int
    failures: int
    cpu_millis: int
    cpu_reserved_millis: int
    memory_bytes: int
    memory_reserved_bytes: int
    stages_ms: Mapping[str, int] = field(default_factory=dict)
    """Stage -> how long it took; empty for passes from before this was noted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delta:
    """What a commit asks for that the one accepted before it didn't: NAMESPACE/NAMEs, sorted."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitRow:
    """A commit that was accepted, or one that is held back (``hold``: the reason's code)."""

    id: str
    source_id: str
    author: str
    committed_at: datetime
    message: str
    seen_at: datetime
    hold: str = ""
    told: str = ""
    signer: str = ""
    pull: int | None = None
    delta: Delta = Delta()
    problems: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """What an execution held from one change of its allocation to the next.

    ``until`` is None while it still holds it. ``generic`` resources are counted in pieces.
    """

    uid: Uid
    namespace: str
    name: str
    zapp: str
    labels: tuple[tuple[str, str], ...]
    since: datetime
    until: datetime | None
    cpu_millis: int
    memory_bytes: int
    generic: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """The last lines of a component on a node, read while somebody looked at them."""

    uid: Uid
    component: str
    node: str
    text: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """What there is to say beside executions; each field a document of its own.

    Durations are milliseconds, memory bytes, CPUs thousandths. What is empty or None may be
    missing. Nothing here names a path of a host, an address, a key or a credential.
    """

    problems: tuple[Mapping[str, Any], ...] = ()
    """Diagnostics: path, line, column, code, message, remedy, severity."""
    namespaces: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By name: guaranteed and maximum (by resource), weight, cohort, members (names),
    maximumExecutions, maximumLifetimeMs, page ({logs}), isCurrent, workspace ({isShared, node}:
    the host name of the node that holds it, "" before its first use)."""
    zapps: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By name: title, description, type, path, parameters (as declared; numbers that are no
    integers as text), parameterNames (in their order), readme (Markdown), logo ({type, data}: a
    media type and base64)."""
    platform: Mapping[str, Any] = field(default_factory=dict)
    """The rules in force: policy (its settings), priorities (name, value, preemptible, filler),
    headroom, defaultReservations, lifetimes, maximumReplicas, publishedPorts, startTimeoutMs,
    suspend, changeWindows, requiresSignatures, isCurrent."""
    reservations: tuple[Mapping[str, Any], ...] = ()
    """By name: name, window ({start, durationMs, cron, timezone}), slots, slot, namespaces,
    isCurrent. No slots: whole nodes."""
    recurrences: tuple[Mapping[str, Any], ...] = ()
    """By name: namespace, name, cron, timezone, overlap, startDeadlineMs, keep, suspend."""
    sets: tuple[Mapping[str, Any], ...] = ()
    """By name: namespace ("" over many), name, path, line, total, parallel, maxFailed, staggerMs,
    repeats, refused (namespace, name, message)."""
    alerts: tuple[Mapping[str, Any], ...] = ()
    """What concerns no single execution and stands now: reason, message, since."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """What a pass writes down beside its own memory, in the same transaction.

    ``documents`` are, by source, what its accepted commit asks for otherwise than before:
    NAMESPACE/NAME to a digest, None where it is gone; ``boards`` the fields of :class:`Board` that
    changed, as JSON data.
    """

    commits: tuple[CommitRow, ...] = ()
    documents: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)
    intervals: tuple[Interval, ...] = ()
    boards: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What was written down, as far as the next pass compares with it.

    By source: ``commits`` is the newest accepted one that has a row, ``held`` the newest of all
    rows where that is held back (commit, code, sentence), ``documents`` what is asked for.
    ``intervals`` are the open ones; ``boards`` are digests.
    """

    commits: Mapping[str, str] = field(default_factory=dict)
    held: Mapping[str, tuple[str, str, str]] = field(default_factory=dict)
    documents: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    intervals: Mapping[Uid, Interval] = field(default_factory=dict)
    boards: Mapping[str, str] = field(default_factory=dict)
    pulse: Pulse | None = None

    def after(self, recording: Recording) -> Recorded:
        """Return what is there once a recording is stored."""
        if recording == Recording():
            return self
        commits, held = {**self.commits}, {**self.held}
        for row in recording.commits:
            if row.hold:
                held[row.source_id] = (row.id, row.hold, row.told)
            else:
                commits[row.source_id] = row.id
                held.pop(row.source_id, None)
        documents = {**self.documents}
        for source, changed in recording.documents.items():
            asked = {**documents.get(source, {}), **changed}
            documents[source] = {name: d for name, d in asked.items() if d is not None}
        opened = {**self.intervals, **{i.uid: i for i in recording.intervals}}
        return Recorded(
            commits=commits,
            held=held,
            documents=documents,
            intervals={uid: i for uid, i in opened.items() if i.until is None},
            boards={**self.boards, **{t: digest_of(d) for t, d in recording.boards.items()}},
            pulse=self.pulse,
        )


def digest_of(document: object) -> str:
    """Return what a document of JSON data is told apart by."""
    return hashlib.sha256(canonical.text(document).encode(errors="surrogatepass")).hexdigest()[:32]
