"""PURE: which transitions of a pass people asked to be told of.

Each comes from a ledger fact, and is stored in the transaction that stores the fact: so it is told
if the transition happened, and once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reconciler.converge.ledger import (
    HELD_BY_OPERATOR,
    LEFT_OUT,
    UPDATE_FAILED,
    EndReason,
    Entry,
    Fact,
    Record,
    phase_of_ending,
)
from reconciler.converge.steps import Step
from reconciler.converge.world import Assessment
from reconciler.manifest.spec import Manifest, NotifyTarget
from reconciler.outbox import Notice, Posting, to_people


def notices(found: Assessment, targets: Mapping[str, NotifyTarget]) -> tuple[Posting, ...]:
    """Return what a pass has to tell, to those ``targets`` of the platform that are asked for."""
    postings: dict[tuple[str, str], Posting] = {}
    for step in found.steps:
        record = found.records.get(step.entry.uid)
        told = found.told.get(step.entry.uid)
        manifest = told[0].manifest if told else None
        if record is None or manifest is None:
            continue  # nobody wants it any more, so nobody waits for its news
        if transition := transition_of(step.entry, record):
            for posting in _postings(step, transition, manifest, targets):
                postings[posting.target, posting.message.key] = posting
    return tuple(postings.values())


def transition_of(entry: Entry, record: Record) -> str:
    """Return started, finished, failed, held, or "" for what is no news to people.

    ``record`` is what the ledger says after the entry. Only the first start of a run is told: what
    starts again after a node was lost goes on. What git took away isn't told to who took it.
    """
    match entry.fact:
        case Fact.ATTEMPT_STARTED if record.first_started_at == entry.at:
            return "started"
        case Fact.FINISHED:
            reason = EndReason(entry.reason)
            if reason in LEFT_OUT:
                return ""
            return "failed" if phase_of_ending(reason) == "Failed" else "finished"
        case Fact.HELD if entry.reason in (UPDATE_FAILED, HELD_BY_OPERATOR):
            return "held"
        case _:
            return ""


def _postings(
    step: Step, transition: str, manifest: Manifest, targets: Mapping[str, NotifyTarget]
) -> Iterator[Posting]:
    for wish in manifest.notify:
        target = targets.get(wish.to)
        if target is not None and transition in wish.on:
            notice = _notice(step, transition, manifest, target)
            yield Posting(target=to_people(target.name), message=notice)


def _notice(step: Step, transition: str, manifest: Manifest, target: NotifyTarget) -> Notice:
    return Notice(
        kind=target.type,
        transition=transition,
        namespace=manifest.namespace,
        name=manifest.name,
        run=manifest.run,
        uid=manifest.uid,
        reason=step.entry.reason,
        message=step.message,
        at=step.entry.at,
        commit=manifest.origin.commit,
        url=target.url,
        recipients=target.recipients,
    )
