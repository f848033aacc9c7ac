"""The facts that neither Git nor the Swarm remembers, and what they add up to.

The ledger is append-only. A :class:`Record` is the pure fold of one uid's entries; together with
an observation it gives the phase. Losing the database must not lose these, so they are mirrored
to the status branch.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from policy.model.execution import ApplicationType, Uid
from reconciler.errors import InvariantViolated


class Fact(StrEnum):
    """What can be entered. The ledger knows nothing else."""

    FIRST_SEEN = "first_seen"
    GENERATION = "generation"
    ADMITTED = "admitted"
    ATTEMPT_INTENDED = "attempt_intended"
    ATTEMPT_STARTED = "attempt_started"
    ATTEMPT_ENDED = "attempt_ended"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    CONFIRMED = "confirmed"
    HELD = "held"
    RELEASED = "released"


class EndReason(StrEnum):
    """Why an attempt or an execution ended. Documented in docs/reasons.md."""

    COMPLETED = "Completed"
    NON_ZERO_EXIT = "NonZeroExit"
    CRASH_LOOP = "CrashLoop"
    IMAGE_UNAVAILABLE = "ImageUnavailable"
    REJECTED = "Rejected"
    START_TIMEOUT = "StartTimeout"
    DEADLINE_EXCEEDED = "DeadlineExceeded"
    DEPENDENCY_FAILED = "DependencyFailed"
    QUEUE_TIMEOUT = "QueueTimeout"
    NODE_LOST = "NodeLost"
    REMOVED = "Removed"
    LIFETIME_REACHED = "LifetimeReached"
    IDLE = "Idle"
    SUSPENDED = "Suspended"
    REPLACED = "Replaced"
    PREEMPTED = "Preempted"
    DELETED = "Deleted"
    SUPERSEDED = "Superseded"
    SKIPPED = "Skipped"
    MISSED = "Missed"


UPDATE_FAILED = "UpdateFailed"
"""Why ``held`` is entered when a live execution can't be brought to its newest generation."""

HELD_BY_OPERATOR = "HeldByOperator"
"""Why ``held`` is entered when an operator wants a name left as it is (``converge.holds``)."""

MAY_HAVE_RUN = "MayHaveRun"
"""Why ``held`` is entered for what isn't known to have run or not: the database was lost."""

ADOPTED_AS_IS = "AdoptedAsItIs"
"""Why ``held`` is entered for what runs, and nobody knows any more what it was made from."""


SUCCEEDED = frozenset({EndReason.COMPLETED})
LEFT_OUT = frozenset({EndReason.SKIPPED, EndReason.MISSED})
"""How a scheduled run ends that never began."""

STOPPED = LEFT_OUT | {
    EndReason.LIFETIME_REACHED,
    EndReason.IDLE,
    EndReason.DELETED,
    EndReason.SUPERSEDED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One fact. ``seq`` is 0 until the store has given it its number.

    ``spec_hash`` is the hash that the fact is about: the document's for ``generation``, the
    frozen spec's for ``admitted``, a commit id for ``confirmed``. ``code`` is an exit code.
    ``commit`` is the one that brought a ``generation``; ``by`` is whoever held or released it, and
    ``told`` why, in their words.
    """

    uid: Uid
    run: int
    fact: Fact
    at: datetime
    generation: int = 0
    attempt: int = 0
    spec_hash: str = ""
    code: int | None = None
    reason: str = ""
    node: str = ""
    epoch: int = 0
    seq: int = 0
    commit: str = ""
    by: str = ""
    told: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """An operator's word that an execution stays as it is, in force until it is released."""

    by: str
    told: str
    at: datetime

    @property
    def sentence(self) -> str:
        """What to tell people of it."""
        return f"held by {self.by}: {self.told}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How it ended, for good until the run rises."""

    reason: EndReason
    at: datetime
    code: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What the ledger says of one uid.

    ``generation`` counts the meanings of the Execution document; ``incarnation`` is the
    generation at the last admission and part of every Swarm name. An attempt is open between
    ``attempt_intended`` and ``attempt_ended``; ``ran_ms`` adds up what closed ones ran. When an
    edit of a live execution fails, ``bad_generation`` is its number and ``good_generation`` the
    one that stays in force until the next edit. ``held`` says why it isn't started, ``held_at``
    since when; ``is_adopted`` that what was frozen at the last admission isn't known any more.
    ``home`` is the node that holds the namespace's local storage, where this execution mounts it.
    ``hold`` is an operator's, and is for all runs of the name.
    """

    uid: Uid
    run: int
    first_seen_at: datetime
    queued_at: datetime
    generation: int = 0
    document_hash: str = ""
    incarnation: int = 0
    spec_hash: str = ""
    attempt: int = 0
    attempt_open: bool = False
    intended_at: datetime | None = None
    started_at: datetime | None = None
    first_started_at: datetime | None = None
    ran_ms: int = 0
    last_end: Ending | None = None
    failures: int = 0
    nodes_lost: int = 0
    failed_starts: int = 0
    ended: Ending | None = None
    held: str = ""
    held_at: datetime | None = None
    is_adopted: bool = False
    hold: Hold | None = None
    good_generation: int = 0
    bad_generation: int = 0
    home: str = ""
    last_seq: int = 0

    @property
    def generation_in_force(self) -> int:
        """The generation whose frozen spec counts: the last good one while an edit is held."""
        return self.good_generation if self.is_update_held else self.generation

    @property
    def is_update_held(self) -> bool:
        """Whether the newest generation failed and the last good one goes on."""
        return 0 < self.bad_generation == self.generation

    @property
    def is_final(self) -> bool:
        """Whether only a higher run can start it again."""
        return self.ended is not None


_KEEPS_AGE = frozenset({EndReason.PREEMPTED, EndReason.NODE_LOST})
_START_FAILURES = frozenset(
    {EndReason.IMAGE_UNAVAILABLE, EndReason.REJECTED, EndReason.START_TIMEOUT}
)


def fold(entries: Iterable[Entry], base: Record | None = None) -> Record | None:
    """Return the record that ``entries`` of one uid, in order, add up to, on top of ``base``.

    Raises:
        InvariantViolated: The first entry isn't ``first_seen``.
    """
    record = base
    for entry in entries:
        if record is None:
            if entry.fact is not Fact.FIRST_SEEN:
                raise InvariantViolated("a ledger that doesn't begin at first_seen", evidence=entry)
            record = Record(
                uid=entry.uid, run=entry.run, first_seen_at=entry.at, queued_at=entry.at
            )
        record = replace(_apply(record, entry), last_seq=max(record.last_seq, entry.seq))
    return record


def _apply(record: Record, entry: Entry) -> Record:
    match entry.fact:
        case Fact.FIRST_SEEN:
            return _seen(record, entry)
        case Fact.GENERATION:
            return replace(
                record,
                generation=entry.generation,
                document_hash=entry.spec_hash,
                good_generation=record.generation_in_force,
            )
        case Fact.ADMITTED:
            return replace(
                record,
                incarnation=entry.generation,
                spec_hash=entry.spec_hash,
                good_generation=0,
                bad_generation=0,
                is_adopted=False,
            )
        case Fact.ATTEMPT_INTENDED:
            return replace(
                record,
                attempt=entry.attempt,
                attempt_open=True,
                intended_at=entry.at,
                started_at=None,
                home=entry.node or record.home,
            )
        case Fact.ATTEMPT_STARTED:
            return replace(
                record,
                started_at=entry.at,
                first_started_at=record.first_started_at or entry.at,
                failed_starts=0,
            )
        case Fact.ATTEMPT_ENDED:
            return _attempt_ended(record, entry)
        case Fact.FINISHED | Fact.CANCELLED:
            ending = Ending(reason=EndReason(entry.reason), at=entry.at, code=entry.code)
            return replace(record, ended=ending, attempt_open=False)
        case Fact.HELD if entry.reason == UPDATE_FAILED:
            return replace(record, bad_generation=entry.generation)
        case Fact.HELD if entry.reason == HELD_BY_OPERATOR:
            return replace(record, hold=Hold(by=entry.by, told=entry.told, at=entry.at))
        case Fact.HELD if entry.reason == ADOPTED_AS_IS:
            return replace(record, is_adopted=True)
        case Fact.HELD:
            return replace(record, held=entry.reason, held_at=entry.at)
        case Fact.RELEASED:
            return replace(record, held="", held_at=None, hold=None)
        case Fact.CONFIRMED:
            return record


def _seen(record: Record, entry: Entry) -> Record:
    # Seen again after it was cancelled: the counters go on, so that names stay unique.
    return replace(
        record,
        queued_at=entry.at,
        ended=None,
        failures=0,
        nodes_lost=0,
        failed_starts=0,
        ran_ms=0,
        first_started_at=None,
        last_end=None,
    )


def _attempt_ended(record: Record, entry: Entry) -> Record:
    reason = EndReason(entry.reason)
    ran_ms = 0
    if record.started_at is not None:
        ran_ms = max(0, int((entry.at - record.started_at).total_seconds() * 1000))
    return replace(
        record,
        attempt_open=False,
        started_at=None,
        # Age isn't lost by what wasn't its own doing.
        queued_at=record.queued_at if reason in _KEEPS_AGE else entry.at,
        ran_ms=record.ran_ms + ran_ms,
        last_end=Ending(reason=reason, at=entry.at, code=entry.code),
        failures=record.failures + (reason in (EndReason.NON_ZERO_EXIT, EndReason.CRASH_LOOP)),
        nodes_lost=record.nodes_lost + (reason in (EndReason.NODE_LOST, EndReason.REMOVED)),
        failed_starts=record.failed_starts + (reason in _START_FAILURES),
    )


def phase_of_ending(reason: EndReason) -> str:
    """Return Succeeded, Stopped or Failed."""
    if reason in SUCCEEDED:
        return "Succeeded"
    return "Stopped" if reason in STOPPED else "Failed"


def is_rerun_by_return(type_: ApplicationType) -> bool:
    """Tell whether a file deleted and added again, with the same run, starts again."""
    return type_ is not ApplicationType.BATCH
