"""Bitbucket Cloud and Data Center: one delivery may tell of several refs."""

from __future__ import annotations

from datetime import datetime

from webhook.event import (
    Action,
    Event,
    Kind,
    RefChange,
    branch_name,
    commit_id,
    is_fork,
    pull_number,
)
from webhook.headers import Headers
from webhook.payload import Json, at, objects, parse, text
from webhook.signature import Secrets, is_hex_hmac

_ACTIONS = {
    "pullrequest:created": Action.UPDATED,
    "pullrequest:updated": Action.UPDATED,
    "pullrequest:fulfilled": Action.MERGED,
    "pullrequest:rejected": Action.CLOSED,
    "pr:opened": Action.UPDATED,
    "pr:from_ref_updated": Action.UPDATED,
    "pr:modified": Action.UPDATED,
    "pr:merged": Action.MERGED,
    "pr:declined": Action.CLOSED,
    "pr:deleted": Action.CLOSED,
}
_FROM, _TO = ("fromRef", "repository", "id"), ("toRef", "repository", "id")
_FOLDERS = {"branch": "refs/heads/", "tag": "refs/tags/"}


def verify(headers: Headers, body: bytes, secrets: Secrets, now: datetime) -> bool:
    """Tell whether the body is signed. The header is named as GitHub's SHA-1, but is SHA-256."""
    scheme, _, given = headers.raw("X-Hub-Signature").partition(b"=")
    return scheme == b"sha256" and is_hex_hmac(given, body, secrets)


def event(headers: Headers, body: bytes) -> Event:
    """Return what a verified body tells. Raises Malformed."""
    data = parse(body)
    name = headers.text("X-Event-Key")
    identity = headers.text("X-Request-UUID") or headers.text("X-Request-Id")
    match name:
        case "repo:push":
            refs = tuple(filter(None, map(_cloud_change, objects(data, "push", "changes"))))
            return Event(kind=Kind.PUSH, delivery_id=identity, refs=refs, name=name)
        case "repo:refs_changed":
            refs = tuple(filter(None, map(_center_change, objects(data, "changes"))))
            return Event(kind=Kind.PUSH, delivery_id=identity, refs=refs, name=name)
        case "diagnostics:ping":
            return Event(kind=Kind.PING, delivery_id=identity, name=name)
        case _ if name in _ACTIONS:
            return _pull_request(data, identity, name)
        case _:
            return Event(kind=Kind.IGNORED, delivery_id=identity, name=name)


def _cloud_change(data: Json) -> RefChange | None:
    """Return one of ``push.changes``: ``new`` is null where the ref was deleted."""
    side = "old" if at(data, "new") is None else "new"
    name = text(data, side, "name")
    if not name:
        return None
    return RefChange(
        ref=_FOLDERS.get(text(data, side, "type"), "refs/heads/") + name,
        before=commit_id(at(data, "old", "target", "hash")),
        after=commit_id(at(data, "new", "target", "hash")),
        is_deleted=side == "old",
    )


def _center_change(data: Json) -> RefChange | None:
    ref = text(data, "ref", "id")
    if not ref:
        return None
    return RefChange(
        ref=ref,
        before=commit_id(at(data, "fromHash")),
        after=commit_id(at(data, "toHash")),
        is_deleted=text(data, "type") == "DELETE",
    )


def _pull_request(data: Json, identity: str, name: str) -> Event:
    """Return an event of either: Cloud says pullrequest, source, destination; the other not."""
    cloud, center = at(data, "pullrequest"), at(data, "pullRequest")
    return Event(
        kind=Kind.PULL_REQUEST,
        delivery_id=identity,
        pull=pull_number(at(cloud, "id") or at(center, "id")),
        # Cloud's hashes are cut to 12 digits: too short to be sure, so they are left out.
        head=commit_id(at(cloud, "source", "commit", "hash"))
        or commit_id(at(center, "fromRef", "latestCommit")),
        base=text(cloud, "destination", "branch", "name")
        or text(center, "toRef", "id").removeprefix("refs/heads/"),
        action=_ACTIONS[name],
        name=name,
        branch=branch_name(
            text(cloud, "source", "branch", "name") or text(center, "fromRef", "id")
        ),
        is_fork=is_fork(
            at(cloud, "source", "repository", "full_name") or at(center, *_FROM),
            at(cloud, "destination", "repository", "full_name") or at(center, *_TO),
        ),
    )
