"""Why one execution waits: where it stands, what every node says, what would let it start."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from reconciler.view.queue import Start


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeAnswer:
    """Nodes with one answer: ``takes`` so many replicas there, or the ``rule`` that says no."""

    nodes: tuple[str, ...]
    told: str
    takes: int = 0
    rule: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a component asks for (``3 with 2 CPUs, 4 GiB each``), and what the nodes say."""

    component: str
    told: str
    answers: tuple[NodeAnswer, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """A change that was tried and would let it start now; ``about`` when it will be so."""

    told: str
    about: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Everything about one that waits. ``standing`` says behind whom and by what it ranks."""

    uid: str
    namespace: str
    name: str
    snapshot: str
    taken_at: datetime
    sentence: str
    start: Start
    is_hopeless: bool = False
    position: int = 0
    waiting: int = 0
    policy: str = ""
    rule: str = ""
    code: str = ""
    standing: tuple[str, ...] = ()
    asked: tuple[Asked, ...] = ()
    remedies: tuple[Remedy, ...] = ()
