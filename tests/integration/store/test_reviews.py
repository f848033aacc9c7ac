"""Requests to review and the plans that came of them, on both databases."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

from reconciler.inbox import Delivery, Outcome, ReviewRequest
from reconciler.outbound.outbox import Posting, PullComment, Sent, settle
from reconciler.ports import Lease
from reconciler.posted import PostedPlan
from reconciler.store.inbox import SqlInbox
from reconciler.store.repository import SqlStore
from reconciler.stored import Changes
from tests.fixtures.postgres import FixedClock

ACTION = {
    "uid": "u1",
    "namespace": "aml",
    "name": "job",
    "action": "held",
    "position": None,
    "start": {"at": None, "basis": ""},
    "leaves": True,
}


def plan(clock: FixedClock, **fields: object) -> PostedPlan:
    made = PostedPlan(
        source_id="platform",
        subject="pull/7",
        pull=7,
        head="a" * 40,
        base="b" * 40,
        tree="c" * 64,
        plan={"actions": [ACTION]},
        body="### 1 held",
        at=clock.now(),
    )
    return replace(made, **fields)  # type: ignore[arg-type]


def ask(database_url: str, request: ReviewRequest) -> None:
    with SqlInbox(database_url, random=random.Random(1)) as inbox:
        inbox.record(
            [
                Delivery(
                    source_id=request.source_id,
                    delivery_id=request.requested_at.isoformat(),
                    provider="github",
                    kind=request.kind,
                    outcome=Outcome.REVIEW,
                    received_at=request.requested_at,
                    review=request,
                )
            ]
        )


def test_of_several_plans_for_one_the_newest_is_kept(
    store: SqlStore, lease: Lease, store_clock: FixedClock
) -> None:
    first, other = plan(store_clock), plan(store_clock, source_id="tenant")
    store.commit(Changes(posted=(first, other)), lease)
    newer = plan(store_clock, head="d" * 40, merged_as="e" * 40, differences=("it waits",))
    store.commit(Changes(posted=(newer,)), lease)
    assert store.posted_plans("platform") == (newer,)
    assert newer.deletes == {"u1"}


def test_plans_are_kept_for_a_month(store: SqlStore, lease: Lease, store_clock: FixedClock) -> None:
    store.commit(Changes(posted=(plan(store_clock),)), lease)
    store_clock.time += timedelta(days=30, hours=1)
    recent = plan(store_clock, subject="pull/8", pull=8)
    store.commit(Changes(posted=(recent,)), lease)
    assert store.posted_plans("platform") == (recent,)


def test_a_request_that_was_made_anew_meanwhile_is_left(
    store: SqlStore, lease: Lease, store_clock: FixedClock, database_url: str
) -> None:
    asked = ReviewRequest(
        source_id="platform",
        kind="pull_request",
        pull=7,
        head="a" * 40,
        action="updated",
        requested_at=store_clock.now(),
        branch="topic",
        is_fork=True,
    )
    again = replace(asked, requested_at=asked.requested_at + timedelta(seconds=1))
    ask(database_url, asked)
    assert store.review_requests() == (asked,)
    ask(database_url, again)
    store.commit(Changes(reviewed=(asked,)), lease)
    assert store.review_requests() == (again,)
    store.commit(Changes(reviewed=(again,)), lease)
    assert store.review_requests() == ()


def test_what_is_sent_is_what_the_target_took_last(store: SqlStore, lease: Lease) -> None:
    posting = Posting(target="forge:platform", message=PullComment(pull=7, body="one"))
    store.commit(Changes(postings=(posting,)), lease)
    assert not store.is_sent(posting)
    (letter,) = store.waiting_letters()
    store.record_delivery(letter, settle(letter, Sent(remote_id="1"), letter.due_at))
    assert store.is_sent(posting)
    newer = replace(posting, message=PullComment(pull=7, body="two"))
    store.commit(Changes(postings=(newer,)), lease)
    assert (store.is_sent(posting), store.is_sent(newer)) == (True, False)
