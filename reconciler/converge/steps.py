"""A ledger fact with the sentence that tells people of it: one step in the life of an execution."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from reconciler.converge.ledger import (
    HELD_BY_OPERATOR,
    UPDATE_FAILED,
    EndReason,
    Entry,
    Fact,
    Hold,
    Record,
)
from reconciler.manifest.spec import Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A fact with what to tell people about it."""

    entry: Entry
    message: str
    is_warning: bool = False


def first_seen(manifest: Manifest, message: str, *, at: datetime) -> Step:
    """Return the first sight of a manifest, or its sight again after it was gone."""
    entry = Entry(uid=manifest.uid, run=manifest.run, fact=Fact.FIRST_SEEN, at=at)
    return Step(entry=entry, message=message)


def generation(manifest: Manifest, number: int, message: str, *, at: datetime) -> Step:
    """Return that the manifest's document has a new meaning."""
    entry = Entry(
        uid=manifest.uid,
        run=manifest.run,
        fact=Fact.GENERATION,
        at=at,
        generation=number,
        spec_hash=manifest.document_hash,
        commit=manifest.origin.commit,
    )
    return Step(entry=entry, message=message)


def started(record: Record, *, at: datetime) -> Step:
    """Return that the open attempt has its core."""
    entry = _entry(record, Fact.ATTEMPT_STARTED, at)
    return Step(entry=entry, message="all core components are up")


def ended(
    record: Record,
    reason: EndReason,
    message: str,
    *,
    at: datetime,
    code: int | None = None,
    is_warning: bool = False,
) -> Step:
    """Return the end of the open attempt; ``code`` is an exit code."""
    entry = replace(_entry(record, Fact.ATTEMPT_ENDED, at), reason=str(reason), code=code)
    return Step(entry=entry, message=message, is_warning=is_warning)


def update_held(record: Record, message: str, *, at: datetime) -> Step:
    """Return that the last good generation goes on, since the newest one fails."""
    entry = replace(_entry(record, Fact.HELD, at), reason=UPDATE_FAILED)
    told = (
        f"generation {record.generation} failed ({message}); "
        f"generation {record.good_generation} goes on until the next edit"
    )
    return Step(entry=entry, message=told, is_warning=True)


def held(record: Record, hold: Hold) -> Step:
    """Return that an operator wants an execution left as it is."""
    entry = replace(
        _entry(record, Fact.HELD, hold.at), reason=HELD_BY_OPERATOR, by=hold.by, told=hold.told
    )
    return Step(entry=entry, message=hold.sentence, is_warning=True)


def released(record: Record, by: str, told: str, *, at: datetime) -> Step:
    """Return that an execution does what Git asks for again; ``told`` may be empty."""
    entry = replace(_entry(record, Fact.RELEASED, at), by=by, told=told)
    return Step(entry=entry, message=f"released by {by}" + (f": {told}" if told else ""))


def finished(
    record: Record, reason: EndReason, message: str, *, at: datetime, code: int | None = None
) -> Step:
    """Return the end for good, until the run rises; ``code`` is an exit code."""
    entry = replace(_entry(record, Fact.FINISHED, at), reason=str(reason), code=code)
    return Step(entry=entry, message=message, is_warning=reason is not EndReason.COMPLETED)


def cancelled(record: Record, reason: EndReason, message: str, *, at: datetime) -> Step:
    """Return the end of what nobody wants any more."""
    entry = replace(_entry(record, Fact.CANCELLED, at), reason=str(reason))
    return Step(entry=entry, message=message, is_warning=True)


def _entry(record: Record, fact: Fact, at: datetime) -> Entry:
    return Entry(
        uid=record.uid,
        run=record.run,
        fact=fact,
        at=at,
        generation=record.generation,
        attempt=record.attempt,
    )
