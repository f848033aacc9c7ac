"""Who waits, in which order, why, who is ahead, and when each is expected to start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """An expected start. ``told`` says it in a sentence: about when, by what, or why unknown."""

    told: str
    at: datetime | None = None
    earliest: datetime | None = None
    latest: datetime | None = None
    basis: str = ""
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One that waits. ``position`` 0: it starts with the next pass. ``needs`` its core's sum.

    ``code``, ``why`` and ``message`` are the reason: for machines, brief, and whole. ``ahead`` is
    who is served just before it, nearest first, with what puts them there.
    """

    position: int
    uid: str
    namespace: str
    name: str
    queued_at: datetime
    needs: str
    amounts: Mapping[str, int]
    start: Start
    code: str = ""
    why: str = ""
    message: str = ""
    shortfall: Mapping[str, int] = field(default_factory=dict)
    blocks: str = ""
    until: datetime | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    ahead: tuple[str, ...] = ()

    @property
    def full_name(self) -> str:
        """NAMESPACE/NAME."""
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """One that runs, with what it holds: ``replicas`` in words, nodes by host name."""

    uid: str
    namespace: str
    name: str
    replicas: str
    nodes: tuple[str, ...]
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """``waiting`` in the order of the queue; ``never`` can't start as things are, whoever leaves.

    ``held`` are (NAMESPACE/NAME, why) that an operator keeps as they are. ``notes`` are what
    estimates rest on, and why some are unknown.
    """

    snapshot: str
    taken_at: datetime
    policy: str
    rule: str
    waiting: tuple[Waiting, ...] = ()
    never: tuple[Waiting, ...] = ()
    running: tuple[Holding, ...] = ()
    held: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
