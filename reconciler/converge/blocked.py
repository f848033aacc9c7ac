"""Who isn't in the queue yet, and why: suspended, held, waiting for another one, backing off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from reconciler.converge.backoff import backoff_until
from reconciler.converge.ledger import MAY_HAVE_RUN, Record, phase_of_ending
from reconciler.converge.queue import Candidate
from reconciler.manifest.spec import After


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """Why a wanted execution isn't in the queue. ``until`` is None where no clock releases it."""

    reason: str
    message: str
    until: datetime | None = None


def blocked(
    candidate: Candidate,
    *,
    now: datetime,
    siblings: Mapping[str, tuple[Record, bool]],
    has_leftovers: bool,
) -> Blocked | None:
    """Return why a waiting candidate can't be queued now.

    Args:
        candidate: With no attempt open.
        now: The time.
        siblings: Name -> (record, has started) of the executions of its namespace.
        has_leftovers: Whether services of an earlier run or attempt are still there.
    """
    if candidate.manifest.suspend:
        return Blocked(reason="Suspended", message="suspend is true in its manifest")
    if candidate.record.held:
        return Blocked(reason=candidate.record.held, message=_HELD.get(candidate.record.held, ""))
    not_before = candidate.spec.not_before
    if not_before is not None and not_before > now:
        message = f"starts at {not_before.isoformat(timespec='minutes')} at the earliest"
        return Blocked(reason="NotBefore", message=message, until=not_before)
    for after in candidate.spec.after:
        if not is_met(after, siblings.get(after.name)):
            message = f"waits until {after.name} has {after.when}"
            return Blocked(reason="DependencyNotReady", message=message)
    until = backoff_until(candidate.record, now)
    if until is not None:
        message = f"tries again after {_last_end(candidate.record)}"
        return Blocked(reason="BackOff", message=message, until=until)
    if has_leftovers:
        message = "waits until what ran before is gone"
        return Blocked(reason="PreviousRunEnding", message=message)
    return None


_HELD = {
    MAY_HAVE_RUN: "it may have run before the database was lost, so it isn't run: raise run, or an "
    "operator says: zoe release"
}


def is_met(after: After, sibling: tuple[Record, bool] | None) -> bool:
    """Tell whether a predecessor is as far as ``after`` asks."""
    if sibling is None:
        return False
    record, has_started = sibling
    match after.when:
        case "started":
            return has_started
        case "finished":
            return record.ended is not None
        case _:
            return record.ended is not None and phase_of_ending(record.ended.reason) == "Succeeded"


def can_never_be_met(after: After, sibling: tuple[Record, bool] | None) -> bool:
    """Tell whether a predecessor ended in a way that ``after`` can't accept."""
    if sibling is None or sibling[0].ended is None or is_met(after, sibling):
        return False
    return after.when == "succeeded"


def _last_end(record: Record) -> str:
    return str(record.last_end.reason) if record.last_end else "a failure"
