"""What the receiver puts down, on both databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from reconciler.errors import StoreUnavailable
from reconciler.inbox import Delivery, Outcome, ReviewRequest
from reconciler.store.inbox import SqlInbox
from tests.fixtures.postgres import FixedClock, OpenStore

AT = datetime(2026, 1, 1, 10, 30, tzinfo=UTC)
OpenInbox = Callable[[str], SqlInbox]


@pytest.fixture
def open_inbox() -> Iterator[OpenInbox]:
    opened: list[SqlInbox] = []

    def open_(url: str) -> SqlInbox:
        opened.append(SqlInbox(url, random=Random(1)))
        return opened[-1]

    yield open_
    for inbox in opened:
        inbox.__exit__()


def delivery(identity: str = "d-1", **fields: object) -> Delivery:
    known = {
        "source_id": "platform",
        "delivery_id": identity,
        "provider": "github",
        "kind": "push",
        "outcome": Outcome.LOOK,
        "received_at": AT,
    }
    return Delivery(**{**known, **fields})


def review(pull: int | None = 7, **fields: object) -> ReviewRequest:
    known = {
        "source_id": "platform",
        "kind": "pull_request",
        "pull": pull,
        "head": "a" * 40,
        "action": "updated",
        "requested_at": AT,
    }
    return ReviewRequest(**{**known, **fields})


def asking(identity: str, asked: ReviewRequest) -> Delivery:
    return delivery(identity, kind=asked.kind, outcome=Outcome.REVIEW, review=asked)


def test_a_delivery_that_comes_again_is_known_and_asks_for_nothing(
    database_url: str, open_inbox: OpenInbox, open_store: OpenStore
) -> None:
    inbox, store = open_inbox(database_url), open_store(database_url)
    assert inbox.record([delivery("a"), delivery("b"), delivery("a")]) == (True, True, False)
    assert store.take_wanted() == ("platform",)
    assert inbox.record([delivery("b"), delivery("b", source_id="tenant")]) == (False, True)
    assert store.take_wanted() == ("tenant",)
    assert inbox.record([delivery("c", outcome=Outcome.IGNORED)]) == (True,)
    assert store.take_wanted() == ()


def test_of_several_requests_to_review_one_the_newest_is_left(
    database_url: str, open_inbox: OpenInbox, open_store: OpenStore
) -> None:
    inbox, store = open_inbox(database_url), open_store(database_url)
    later = AT + timedelta(seconds=1)
    newer = review(head="b" * 40, requested_at=later)
    group = review(None, kind="merge_group", head="c" * 40)
    inbox.record([asking("a", review()), asking("b", group)])
    inbox.record([asking("c", newer), asking("d", review(8, requested_at=later))])
    assert store.review_requests() == (group, newer, review(8, requested_at=later))
    assert store.take_wanted() == ()


def test_deliveries_and_what_they_ask_for_are_kept_for_a_week(
    database_url: str, open_inbox: OpenInbox, open_store: OpenStore, store_clock: FixedClock
) -> None:
    inbox, store = open_inbox(database_url), open_store(database_url)
    inbox.record([delivery("old"), delivery("new", received_at=AT + timedelta(days=2))])
    recent = review(8, requested_at=AT + timedelta(days=2))
    inbox.record([asking("review", review()), asking("recent", recent)])
    store_clock.time = AT + timedelta(days=7, hours=1)
    store.forget()
    assert inbox.record([delivery("old"), delivery("new")]) == (True, False)
    assert store.review_requests() == (recent,)


def test_before_the_loop_made_the_tables_nothing_can_be_put_down(
    empty_database_url: str, open_inbox: OpenInbox
) -> None:
    inbox = open_inbox(empty_database_url)
    for call in (inbox.check, lambda: inbox.record([delivery()])):
        with pytest.raises(StoreUnavailable):
            call()
