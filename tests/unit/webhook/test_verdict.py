"""What is done about an event, and under which id it is remembered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.inbox import Outcome
from webhook.endpoint import Endpoint
from webhook.event import Action, Event, Kind, RefChange
from webhook.providers import PROVIDERS
from webhook.verdict import delivery, judge

AT = datetime(2026, 1, 1, 12, tzinfo=UTC)
ENDPOINT = Endpoint(
    source_id="platform",
    provider=PROVIDERS["github"],
    names=("name-nobody-guesses",),
    secrets=(b"secret",),
    branch="main",
    status_branch="zoe/status",
)


def push(*refs: str, gone: str = "") -> Event:
    changes = [RefChange(ref=ref, is_deleted=ref == gone) for ref in refs]
    return Event(kind=Kind.PUSH, refs=tuple(changes))


def pull(**fields: object) -> Event:
    known = {"kind": Kind.PULL_REQUEST, "pull": 7, "base": "main", "action": Action.UPDATED}
    return Event(**{**known, **fields})


@pytest.mark.parametrize(
    ("event", "outcome"),
    [
        (push("refs/heads/main"), Outcome.LOOK),
        (push("main"), Outcome.LOOK),
        (push("refs/heads/other", "refs/heads/main"), Outcome.LOOK),
        (push(), Outcome.LOOK),
        (push("refs/heads/main", gone="refs/heads/main"), Outcome.IGNORED),
        (push("refs/heads/zoe/status"), Outcome.IGNORED),
        (push("refs/heads/other"), Outcome.IGNORED),
        (push("refs/tags/main"), Outcome.IGNORED),
        (pull(), Outcome.REVIEW),
        (pull(base=""), Outcome.REVIEW),
        (pull(action=Action.MERGED), Outcome.REVIEW),
        (pull(base="release"), Outcome.IGNORED),
        (pull(pull=None), Outcome.IGNORED),
        (Event(kind=Kind.MERGE_GROUP, head="a" * 40, base="main"), Outcome.REVIEW),
        (Event(kind=Kind.MERGE_GROUP), Outcome.IGNORED),
        (Event(kind=Kind.PING), Outcome.IGNORED),
        (Event(kind=Kind.IGNORED), Outcome.IGNORED),
    ],
)
def test_only_what_concerns_the_source_asks_for_something(event: Event, outcome: Outcome) -> None:
    assert judge(event, ENDPOINT).outcome is outcome


def test_the_reason_tells_our_own_branch_from_a_foreign_one() -> None:
    assert judge(push("refs/heads/zoe/status"), ENDPOINT).reason == "our own status branch"
    assert judge(push("refs/heads/other"), ENDPOINT).reason == "no push to main"


def put_down(event: Event, body: bytes = b"{}", at: datetime = AT) -> str:
    return delivery(event, judge(event, ENDPOINT), ENDPOINT, body, at).delivery_id


def test_a_request_to_review_keeps_the_hints() -> None:
    event = pull(head="a" * 40, action=Action.CLOSED)
    asked = delivery(event, judge(event, ENDPOINT), ENDPOINT, b"{}", AT).review
    assert asked is not None
    assert (asked.subject, asked.head, asked.action) == ("pull/7", "a" * 40, "closed")


def test_a_forges_own_id_is_kept_as_it_is() -> None:
    assert put_down(Event(kind=Kind.PUSH, delivery_id="72d3162e-cc78-11e3")) == "72d3162e-cc78-11e3"


def test_without_an_id_the_same_body_is_the_same_delivery_for_five_minutes() -> None:
    event = push("refs/heads/main")
    first = put_down(event)
    assert put_down(event, at=AT + timedelta(seconds=299)) == first
    assert put_down(event, at=AT + timedelta(seconds=300)) != first
    assert put_down(event, b"{ }") != first


@given(st.text())
def test_any_id_can_be_stored(identity: str) -> None:
    stored = put_down(Event(kind=Kind.PUSH, delivery_id=identity))
    assert 0 < len(stored) <= 200
    assert stored.isascii()
    assert stored.isprintable()
