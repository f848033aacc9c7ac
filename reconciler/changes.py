"""What a pass has to write, from what it found and what is written already."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from policy.model.execution import Uid
from reconciler.converge.ledger import Entry, Fact
from reconciler.converge.status import Status, document
from reconciler.converge.status_document import StatusDocument
from reconciler.converge.world import Assessment, Identity, Wanted
from reconciler.reporting.records import Event
from reconciler.stored import ExecutionRow, FrozenSpec, GoodFile


@dataclass(frozen=True, slots=True)
class Whose:
    """Which source an execution came from, and what was desired of that."""

    wanted: Wanted
    known: Mapping[Uid, Identity]

    def source_of(self, status: Status) -> str:
        """Return a source's id; the platform's for what no source is known of."""
        uid = Uid(status.uid)
        if (identity := self.known.get(uid)) is not None:
            return identity.source_id or self.wanted.source_id
        if status.origin is not None:
            return status.origin.source_id
        invalid = (identity for identity, its, _ in self.wanted.invalid if its == uid)
        found = next(invalid, None)
        return found.source_id if found is not None else self.wanted.source_id

    def commit_of(self, source_id: str) -> str:
        """Return the accepted commit of a source."""
        return self.wanted.reading(self.wanted.source(source_id)).commit


def facts(found: Assessment, *, epoch: int) -> tuple[Entry, ...]:
    """Return the facts of a pass, stamped with the lease under which they are written."""
    return tuple(replace(step.entry, epoch=epoch) for step in found.steps)


def frozen_specs(found: Assessment) -> tuple[FrozenSpec, ...]:
    """Return the specs that were frozen by the pass."""
    return tuple(
        FrozenSpec(
            uid=uid, generation=generation, spec_hash=found.records[uid].spec_hash, spec=spec
        )
        for (uid, generation), spec in sorted(found.frozen.items())
    )


def rows(
    found: Assessment,
    last: Assessment | None,
    written: Mapping[Uid, StatusDocument],
    *,
    whose: Whose,
    at: datetime,
) -> tuple[ExecutionRow, ...]:
    """Return the statuses that differ from those ``written``.

    One that is still the very object of the ``last`` pass was written then.
    """
    return tuple(
        _row(status, told, source_id=whose.source_of(status), at=at)
        for status in _fresh(found, last)
        if (told := StatusDocument.of(document(status))) != written.get(Uid(status.uid))
    )


def _fresh(found: Assessment, last: Assessment | None) -> Iterator[Status]:
    before = last.told if last is not None else {}
    for status in found.statuses:
        facts_and_status = before.get(Uid(status.uid))
        if facts_and_status is None or facts_and_status[1] is not status:
            yield status


def _row(status: Status, told: StatusDocument, *, source_id: str, at: datetime) -> ExecutionRow:
    return ExecutionRow(
        uid=Uid(status.uid),
        namespace=status.namespace,
        name=status.name,
        run=status.run,
        source_id=source_id,
        phase=str(status.phase),
        reason=status.reason,
        status=told,
        is_final=status.ended_at is not None,
        updated_at=at,
    )


def events(found: Assessment, *, whose: Whose) -> Iterator[Event]:
    """Yield what to tell of each fact."""
    for step in found.steps:
        name = _identity(step.entry.uid, found, whose)
        yield Event(
            at=step.entry.at,
            uid=step.entry.uid,
            namespace=name.namespace,
            name=name.name,
            reason=step.entry.reason or _camel(step.entry.fact),
            message=step.message,
            commit=whose.commit_of(name.source_id),
            is_warning=step.is_warning,
        )


def _identity(uid: Uid, found: Assessment, whose: Whose) -> Identity:
    """Return whose a fact is: who has no status any more is known from before."""
    known = whose.known.get(uid)
    if known is not None:
        return known
    _, status = found.told[uid]
    return Identity(
        namespace=status.namespace,
        name=status.name,
        run=status.run,
        source_id=whose.source_of(status),
    )


def good_files(
    source_id: str,
    before: Mapping[str, tuple[str, str]],
    after: Mapping[str, tuple[str, str]],
) -> tuple[GoodFile, ...]:
    """Return the paths whose newest valid blob and commit changed; "" for those that are gone."""
    changed = [
        GoodFile(source_id=source_id, path=path, blob=blob, commit=commit)
        for path, (blob, commit) in sorted(after.items())
        if before.get(path) != (blob, commit)
    ]
    gone = [
        GoodFile(source_id=source_id, path=path, blob="", commit="")
        for path in sorted(before.keys() - after.keys())
    ]
    return (*changed, *gone)


def _camel(fact: Fact) -> str:
    return "".join(word.capitalize() for word in fact.split("_"))
