"""What is done about an event. Pure, and short: an event can only say "look" and "review"."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.inbox import Delivery, Outcome, ReviewRequest
from webhook.endpoint import Endpoint
from webhook.event import Action, Event, Kind

SAME_BODY = timedelta(minutes=5)
"""A body without a delivery id counts as the same delivery when it comes again in this time."""

_IDENTITY = re.compile(r"[\x21-\x7e]{1,200}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """An outcome and, for people, why."""

    outcome: Outcome
    reason: str


def judge(event: Event, endpoint: Endpoint) -> Verdict:
    """Say what an event asks for."""
    match event.kind:
        case Kind.PUSH:
            return _judge_push(event, endpoint)
        case Kind.PULL_REQUEST | Kind.MERGE_GROUP:
            return _judge_review(event, endpoint)
        case Kind.PING:
            return Verdict(outcome=Outcome.IGNORED, reason="ping: the secret is right")
        case Kind.IGNORED:
            return Verdict(outcome=Outcome.IGNORED, reason="this event changes nothing here")


def _judge_push(event: Event, endpoint: Endpoint) -> Verdict:
    if not event.refs:
        # Its shape is new to us, and the sender knows the secret: a look in vain harms nobody.
        return Verdict(outcome=Outcome.LOOK, reason="a push")
    ours = [ref for ref in event.refs if ref.ref in _spellings(endpoint.branch)]
    if any(not ref.is_deleted for ref in ours):
        return Verdict(outcome=Outcome.LOOK, reason=f"a push to {endpoint.branch}")
    if ours:
        return Verdict(outcome=Outcome.IGNORED, reason=f"{endpoint.branch} was deleted")
    if all(ref.ref in _spellings(endpoint.status_branch) for ref in event.refs):
        return Verdict(outcome=Outcome.IGNORED, reason="our own status branch")
    return Verdict(outcome=Outcome.IGNORED, reason=f"no push to {endpoint.branch}")


def _judge_review(event: Event, endpoint: Endpoint) -> Verdict:
    if event.base not in ("", endpoint.branch):
        return Verdict(outcome=Outcome.IGNORED, reason=f"not to be merged into {endpoint.branch}")
    if event.pull is None and not (event.kind is Kind.MERGE_GROUP and event.head):
        return Verdict(outcome=Outcome.IGNORED, reason="it doesn't say what to review")
    return Verdict(outcome=Outcome.REVIEW, reason="to be reviewed")


def _spellings(branch: str) -> tuple[str, str]:
    return branch, f"refs/heads/{branch}"


def delivery(
    event: Event, verdict: Verdict, endpoint: Endpoint, body: bytes, now: datetime
) -> Delivery:
    """Return what is put down."""
    review = None
    if verdict.outcome is Outcome.REVIEW:
        review = ReviewRequest(
            source_id=endpoint.source_id,
            kind=str(event.kind),
            pull=event.pull,
            head=event.head,
            action=str(event.action or Action.UPDATED),
            requested_at=now,
            branch=event.branch,
            is_fork=event.is_fork,
        )
    return Delivery(
        source_id=endpoint.source_id,
        delivery_id=_identity(event.delivery_id, body, now),
        provider=endpoint.provider.name,
        kind=str(event.kind),
        outcome=verdict.outcome,
        received_at=now,
        review=review,
    )


def _identity(given: str, body: bytes, now: datetime) -> str:
    """Return the forge's id of a delivery or, without one, the body's for as long as that counts.

    An id that no forge would give (long, or with other characters) is stored as its hash.
    """
    if _IDENTITY.fullmatch(given):
        return given
    if given:
        return "sha256:" + hashlib.sha256(given.encode("utf-8", "replace")).hexdigest()
    window = int(now.timestamp() // SAME_BODY.total_seconds())
    return f"body:{hashlib.sha256(body).hexdigest()}:{window}"
