"""What the loop writes down so that people can look at it later, and how it is read.

The loop's own memory is in ``ports.Stored``; nothing here is ever decided on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from policy.model.execution import Uid


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """The loop's sign of life: when it last ended a pass, and how often it makes one at least."""

    at: datetime
    interval_s: int
    commit: str
    problem: str = ""
    """Why the last try of a pass failed, or why the newest commit isn't desired; "" if all is
    well. For anybody to read."""


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
    """What the accepted commit says beside executions; each part a document (``boards``)."""

    problems: tuple[Mapping[str, Any], ...] = ()
    """Diagnostics: path, line, column, code, message, remedy, severity."""
    namespaces: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By name: quota, weight, cohort, members, lifetime bound, what the page may show."""
    zapps: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By name: title, description, readme, logo, parameters, path."""
    platform: Mapping[str, Any] = field(default_factory=dict)
    """The rules in force: policy, priorities, bounds; nothing that names a host or a credential."""
    reservations: tuple[Mapping[str, Any], ...] = ()
    recurrences: tuple[Mapping[str, Any], ...] = ()
