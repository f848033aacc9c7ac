"""Gitea and Forgejo. Their header is there but empty when no secret is set, which is a refusal."""

from __future__ import annotations

from datetime import datetime

from webhook.event import Event, Kind, action, branch_name, change, commit_id, is_fork, pull_number
from webhook.headers import Headers
from webhook.payload import Json, at, parse, text
from webhook.signature import Secrets, is_hex_hmac

_SIGNATURES = ("X-Forgejo-Signature", "X-Gitea-Signature")
_UPDATES = frozenset({"opened", "reopened", "synchronize", "synchronized", "edited"})
_PULLS = frozenset({"pull_request", "pull_request_sync"})


def verify(headers: Headers, body: bytes, secrets: Secrets, now: datetime) -> bool:
    """Tell whether each signature that is given is right, and one is given."""
    given = [headers.raw(name) for name in _SIGNATURES if headers.has(name)]
    matches = [is_hex_hmac(one, body, secrets) for one in given]
    return bool(given) and all(matches)


def event(headers: Headers, body: bytes) -> Event:
    """Return what a verified body tells. A test is a push like any other. Raises Malformed."""
    data = parse(body)
    name = headers.text("X-Forgejo-Event") or headers.text("X-Gitea-Event")
    identity = headers.text("X-Forgejo-Delivery") or headers.text("X-Gitea-Delivery")
    if name == "push":
        return Event(kind=Kind.PUSH, delivery_id=identity, refs=change(data), name=name)
    if name in _PULLS:
        return _pull_request(data, identity, name)
    return Event(kind=Kind.IGNORED, delivery_id=identity, name=name)


def _pull_request(data: Json, identity: str, name: str) -> Event:
    happened = action(
        text(data, "action"), updates=_UPDATES, is_merged=at(data, "pull_request", "merged")
    )
    return Event(
        kind=Kind.PULL_REQUEST if happened else Kind.IGNORED,
        delivery_id=identity,
        pull=pull_number(at(data, "number") or at(data, "pull_request", "number")),
        head=commit_id(at(data, "pull_request", "head", "sha")),
        base=text(data, "pull_request", "base", "ref"),
        action=happened,
        name=name,
        branch=branch_name(text(data, "pull_request", "head", "ref")),
        is_fork=is_fork(
            at(data, "pull_request", "head", "repo", "full_name"),
            at(data, "pull_request", "base", "repo", "full_name"),
        ),
    )
