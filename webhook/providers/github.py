"""GitHub and GitHub Enterprise Server. A form's signature covers the form, not the JSON in it."""

from __future__ import annotations

from datetime import datetime

from webhook.event import Event, Kind, action, branch_name, change, commit_id, is_fork, pull_number
from webhook.headers import Headers
from webhook.payload import at, parse, parse_form, text
from webhook.signature import Secrets, is_hex_hmac

FORM = "application/x-www-form-urlencoded"
_UPDATES = frozenset({"opened", "synchronize", "reopened", "ready_for_review", "edited"})


def verify(headers: Headers, body: bytes, secrets: Secrets, now: datetime) -> bool:
    """Tell whether the body is signed with SHA-256; the header with SHA-1 is not looked at."""
    scheme, _, given = headers.raw("X-Hub-Signature-256").partition(b"=")
    return scheme == b"sha256" and is_hex_hmac(given, body, secrets)


def event(headers: Headers, body: bytes) -> Event:
    """Return what a verified body tells. Raises Malformed."""
    is_form = headers.text("Content-Type").partition(";")[0].strip().lower() == FORM
    data = parse_form(body) if is_form else parse(body)
    name, identity = headers.text("X-GitHub-Event"), headers.text("X-GitHub-Delivery")
    match name:
        case "push":
            return Event(kind=Kind.PUSH, delivery_id=identity, refs=change(data), name=name)
        case "pull_request":
            happened = action(
                text(data, "action"), updates=_UPDATES, is_merged=at(data, "pull_request", "merged")
            )
            return Event(
                kind=Kind.PULL_REQUEST if happened else Kind.IGNORED,
                delivery_id=identity,
                pull=pull_number(at(data, "pull_request", "number") or at(data, "number")),
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
        case "merge_group" if at(data, "action") == "checks_requested":
            head = commit_id(at(data, "merge_group", "head_sha"))
            base = text(data, "merge_group", "base_ref").removeprefix("refs/heads/")
            return Event(
                kind=Kind.MERGE_GROUP,
                delivery_id=identity,
                head=head,
                base=base,
                name=name,
                branch=branch_name(text(data, "merge_group", "head_ref")),
            )
        case "ping":
            return Event(kind=Kind.PING, delivery_id=identity, name=name)
        case _:
            return Event(kind=Kind.IGNORED, delivery_id=identity, name=name)
