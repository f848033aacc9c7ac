"""GitLab: a token in the clear, or (newer) signed as Standard Webhooks say."""

from __future__ import annotations

from datetime import datetime

from webhook.event import Action, Event, Kind, branch_name, change, commit_id, is_fork, pull_number
from webhook.headers import Headers
from webhook.payload import Json, at, parse, text
from webhook.signature import Secrets, is_standard, is_token

_PUSHES = frozenset({"Push Hook", "Tag Push Hook", "System Hook"})
_ACTIONS = {
    "open": Action.UPDATED,
    "reopen": Action.UPDATED,
    "update": Action.UPDATED,
    "close": Action.CLOSED,
    "merge": Action.MERGED,
}


def verify(headers: Headers, body: bytes, secrets: Secrets, now: datetime) -> bool:
    """Tell whether the body is signed, or the token right. Where it is signed, that decides."""
    if headers.has("webhook-signature"):
        return is_standard(headers, body, secrets, now)
    return is_token(headers.raw("X-Gitlab-Token"), secrets)


def event(headers: Headers, body: bytes) -> Event:
    """Return what a verified body tells. Raises Malformed."""
    data = parse(body)
    name = headers.text("X-Gitlab-Event")
    identity = _delivery_id(headers)
    kind = text(data, "object_kind") or text(data, "event_name")
    if name == "Merge Request Hook" or kind == "merge_request":
        return _merge_request(data, identity, name)
    if kind in ("push", "tag_push") or (not kind and name in _PUSHES):
        return Event(kind=Kind.PUSH, delivery_id=identity, refs=change(data), name=name)
    return Event(kind=Kind.IGNORED, delivery_id=identity, name=name)


def _merge_request(data: Json, identity: str, name: str) -> Event:
    action = _ACTIONS.get(text(data, "object_attributes", "action"))
    return Event(
        # A test that somebody sends by hand names no action.
        kind=Kind.PULL_REQUEST if action else Kind.IGNORED,
        delivery_id=identity,
        pull=pull_number(at(data, "object_attributes", "iid")),
        head=commit_id(at(data, "object_attributes", "last_commit", "id")),
        base=text(data, "object_attributes", "target_branch"),
        action=action,
        name=name,
        branch=branch_name(text(data, "object_attributes", "source_branch")),
        is_fork=is_fork(
            at(data, "object_attributes", "source_project_id"),
            at(data, "object_attributes", "target_project_id"),
        ),
    )


def _delivery_id(headers: Headers) -> str:
    names = ("webhook-id", "Idempotency-Key", "X-Gitlab-Event-UUID")
    return next(filter(None, map(headers.text, names)), "")
