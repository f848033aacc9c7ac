"""What policy answers: who starts where, who waits and why, who grows, shrinks or leaves."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from policy.model.execution import Allocation, Execution, NodeId, Uid


class ReasonCode(StrEnum):
    """Why an execution waits. Each is documented in docs/reasons.md."""

    NO_CAPACITY = "NoCapacity"
    NEVER_FITS = "NeverFits"
    BEHIND_IN_QUEUE = "BehindInQueue"
    NO_NODES = "NoNodes"
    QUOTA_EXCEEDED = "QuotaExceeded"
    NEVER_WITHIN_QUOTA = "NeverWithinQuota"
    RESERVED = "Reserved"
    OUTSIDE_RESERVATION = "OutsideReservation"
    NO_RESERVATION = "NoReservation"
    FILLER_WAITS = "FillerWaits"


NEVER = frozenset(
    {
        ReasonCode.NEVER_FITS,
        ReasonCode.NEVER_WITHIN_QUOTA,
        ReasonCode.NO_NODES,
        ReasonCode.NO_RESERVATION,
    }
)
"""Why something can't start as things are, however long it waits. It keeps nobody else waiting."""


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
    """Why an execution waits: a code for machines, a sentence for people, each node's no.

    ``blocks`` names what stands in the way where it has a name: the execution at the head of the
    queue, a quota's namespace or cohort, a reservation. ``shortfall`` is (dimension, missing).
    ``until_ms`` is when a clock alone changes it, if one does.
    """

    code: ReasonCode
    message: str
    refusals: tuple[Refusal, ...] = ()
    blocks: str = ""
    shortfall: tuple[tuple[str, int], ...] = ()
    until_ms: int | None = None


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
class Preemption:
    """Stop an admitted execution whole, core and all; it queues again. ``by`` is who needs it."""

    uid: Uid
    by: Uid | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Leave a waiting execution where it is: ``position`` counts from 1 at the head.

    What can't start as things are comes after everybody else.
    """

    uid: Uid
    position: int
    reason: Reason


@dataclass(frozen=True, kw_only=True, eq=False)
class Decision:
    """The answer to a snapshot, in canonical order.

    To be carried out in the order preemptions, shrinking resizes, then, when what they free is
    free, starts and growing resizes. Without any of them it is a fixed point. ``wake_ms`` is when
    a clock alone may change the answer, if one may. ``explain`` gives the queue on demand, since
    most decisions are never asked for it.
    """

    preemptions: tuple[Preemption, ...] = ()
    starts: tuple[Start, ...] = ()
    resizes: tuple[Resize, ...] = ()
    wake_ms: int | None = None
    explain: Callable[[], tuple[Wait, ...]] = tuple

    @cached_property
    def waits(self) -> tuple[Wait, ...]:
        """The whole queue, in order, each with its reason."""
        return self.explain()

    @property
    def changes_nothing(self) -> bool:
        """Whether there is nothing to carry out."""
        return not (self.preemptions or self.starts or self.resizes)

    def carried_out(self, executions: Iterable[Execution]) -> Mapping[Uid, tuple[Allocation, ...]]:
        """Return the groups of all who are admitted once this is done, of those it was made on."""
        groups = {e.uid: e.allocations for e in executions if e.is_admitted}
        groups |= {start.uid: start.allocations for start in self.starts}
        groups |= {resize.uid: resize.allocations for resize in self.resizes}
        for stopped in self.preemptions:
            groups.pop(stopped.uid, None)
        return groups

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Decision) and self._parts() == other._parts()

    def __hash__(self) -> int:
        return hash(self._parts())

    def _parts(self) -> tuple[object, ...]:
        return (self.preemptions, self.starts, self.resizes, self.waits, self.wake_ms)
