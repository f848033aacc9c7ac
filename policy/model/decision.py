"""What policy answers: who starts where, who waits and why, who grows, shrinks or leaves."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from policy.model.execution import Allocation, NodeId, Uid


class ReasonCode(StrEnum):
    """Why an execution waits. Each is documented in docs/reasons.md."""

    NO_CAPACITY = "NoCapacity"
    NEVER_FITS = "NeverFits"
    BEHIND_IN_QUEUE = "BehindInQueue"
    NO_NODES = "NoNodes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One node's no to one component: which filter said so, and in words."""

    node: NodeId
    hostname: str
    component: str
    filter: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why an execution waits: a code for machines, a sentence for people, each node's no."""

    code: ReasonCode
    message: str
    refusals: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Admit a waiting execution with these groups (its whole core, and elastic as room allows)."""

    uid: Uid
    allocations: tuple[Allocation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resize:
    """Give an admitted execution these groups instead of those that it has."""

    uid: Uid
    allocations: tuple[Allocation, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Leave a waiting execution where it is: ``position`` counts from 1 at the head."""

    uid: Uid
    position: int
    reason: Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The answer to a snapshot, in canonical order. Empty of starts and resizes = a fixed point."""

    starts: tuple[Start, ...] = ()
    resizes: tuple[Resize, ...] = ()
    waits: tuple[Wait, ...] = ()
