"""PURE: which transitions of a pass people asked to be told of.

Each comes from a ledger fact, and is stored in the transaction that stores the fact: so it is told
if the transition happened, and once. An end for idleness that is near comes from the status that
says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

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
from reconciler.converge.world import Assessment
from reconciler.manifest.platform import NotifyTarget
from reconciler.manifest.spec import Manifest
from reconciler.outbound.outbox import Notice, Posting, to_people


def notices(
    found: Assessment, targets: Mapping[str, NotifyTarget], *, last: Assessment | None = None
) -> tuple[Posting, ...]:
    """Return what a pass has to tell, to those ``targets`` of the platform that are asked for.

    ``last`` is what the pass before found: what it announced isn't announced again.
    """
    postings: dict[tuple[str, str], Posting] = {}
    for step in found.steps:
        record = found.records.get(step.entry.uid)
        told = found.told.get(step.entry.uid)
        manifest = told[0].manifest if told else None
        if record is None or manifest is None:
            continue  # nobody wants it any more, so nobody waits for its news
        if transition := transition_of(step.entry, record):
            news = _News(transition, step.entry.reason, step.message, step.entry.at)
            for posting in _postings(news, manifest, targets):
                postings[posting.target, posting.message.key] = posting
    return (*postings.values(), *_announced(found, targets, last))


def _announced(
    found: Assessment, targets: Mapping[str, NotifyTarget], last: Assessment | None
) -> Iterator[Posting]:
    """Yield the ends for idleness that have come near, each once."""
    for uid, (facts, _) in found.told.items():
        if facts.idle_soon is None or facts.manifest is None:
            continue
        before = last.told.get(uid) if last is not None else None
        if before is not None and before[0].idle_soon == facts.idle_soon:
            continue
        # The same end has the same time and so the same key: also after a restart it is told once.
        soon = facts.idle_soon
        news = _News("idle-soon", "NobodyUsesIt", soon.sentence, soon.announced_at)
        yield from _postings(news, facts.manifest, targets)


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


@dataclass(frozen=True, slots=True)
class _News:
    transition: str
    reason: str
    message: str
    at: datetime


def _postings(
    news: _News, manifest: Manifest, targets: Mapping[str, NotifyTarget]
) -> Iterator[Posting]:
    for wish in manifest.notify:
        target = targets.get(wish.to)
        if target is not None and news.transition in wish.on:
            notice = _notice(news, manifest, target)
            yield Posting(target=to_people(target.name), message=notice)


def _notice(news: _News, manifest: Manifest, target: NotifyTarget) -> Notice:
    return Notice(
        kind=target.type,
        transition=news.transition,
        namespace=manifest.namespace,
        name=manifest.name,
        run=manifest.run,
        uid=manifest.uid,
        reason=news.reason,
        message=news.message,
        at=news.at,
        commit=manifest.origin.commit,
        url=target.url,
        recipients=target.recipients,
    )
