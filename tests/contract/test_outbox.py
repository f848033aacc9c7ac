"""The stored letters, on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest

from reconciler.outbound.outbox import (
    CommitStatus,
    Delayed,
    Message,
    Notice,
    Posting,
    PullComment,
    Refused,
    Sent,
    State,
    settle,
)
from reconciler.ports import Lease
from reconciler.store.outbox import KEPT
from reconciler.store.repository import SqlStore
from reconciler.stored import Changes
from tests.fixtures.postgres import DIALECTS, FixedClock

FORGE = "forge:platform"


@pytest.fixture(params=[*DIALECTS, "memory"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of a database: these tests also keep the one in memory honest."""
    return request.getfixturevalue(f"{request.param}_url")


def status(description: str = "accepted", *, sha: str = "a" * 40) -> CommitStatus:
    return CommitStatus(sha=sha, context="zoe/apply", state=State.SUCCESS, description=description)


def put(store: SqlStore, lease: Lease, *messages: Message, target: str = FORGE) -> None:
    postings = tuple(Posting(target=target, message=message) for message in messages)
    store.commit(Changes(postings=postings), lease)


def waiting(store: SqlStore) -> list[Message]:
    return [letter.message for letter in store.waiting_letters()]


def test_messages_come_back_as_they_were(
    store: SqlStore, lease: Lease, store_clock: FixedClock
) -> None:
    notice = Notice(
        kind="email",
        transition="failed",
        namespace="aml",
        name="train",
        run=3,
        uid="u",
        reason="NonZeroExit",
        message="failed with exit code 3",
        at=store_clock.now(),
        recipients=("ada@example.org",),
    )
    told: list[Message] = [PullComment(pull=7, body="ä\n```"), notice, status()]
    put(store, lease, *told)
    assert sorted(waiting(store), key=repr) == sorted(told, key=repr)


def test_the_newest_content_of_a_key_counts(store: SqlStore, lease: Lease) -> None:
    put(store, lease, status("one"), status("two"))
    put(store, lease, status("three"), status("other", sha="b" * 40))
    assert waiting(store) == [status("three"), status("other", sha="b" * 40)]


def test_what_was_told_is_told_again_only_when_it_changes(store: SqlStore, lease: Lease) -> None:
    put(store, lease, PullComment(pull=7, body="one"))
    (letter,) = store.waiting_letters()
    store.record_delivery(letter, settle(letter, Sent(remote_id="1001"), letter.due_at))
    put(store, lease, PullComment(pull=7, body="one"))
    assert waiting(store) == []
    put(store, lease, PullComment(pull=7, body="two"))
    (again,) = store.waiting_letters()
    assert (again.remote_id, again.sends, again.message) == (
        "1001",
        1,
        PullComment(pull=7, body="two"),
    )


def test_content_that_changed_while_it_was_sent_stays_due(store: SqlStore, lease: Lease) -> None:
    put(store, lease, status("one"))
    (letter,) = store.waiting_letters()
    put(store, lease, status("two"))
    store.record_delivery(letter, settle(letter, Refused(error="422"), letter.due_at))
    (left,) = store.waiting_letters()
    assert (left.message, left.error, left.tries) == (status("two"), "", 0)


def test_content_changed_and_changed_back_while_it_was_sent_is_done(
    store: SqlStore, lease: Lease
) -> None:
    put(store, lease, status("one"))
    (letter,) = store.waiting_letters()
    put(store, lease, status("two"))
    put(store, lease, status("one"))
    store.record_delivery(letter, settle(letter, Sent(), letter.due_at))
    assert waiting(store) == []


def test_a_try_is_remembered_and_forgotten_with_new_content(
    store: SqlStore, lease: Lease, store_clock: FixedClock
) -> None:
    put(store, lease, status("one"))
    (letter,) = store.waiting_letters()
    failed = settle(letter, Delayed(error="503 \0"), store_clock.now())
    store.record_delivery(letter, failed)
    (known,) = store.waiting_letters()
    assert (known.tries, known.due_at) == (1, failed.due_at)
    put(store, lease, status("two"))
    (fresh,) = store.waiting_letters()
    assert (fresh.tries, fresh.due_at) == (0, store_clock.now())


def test_what_is_given_up_is_tried_again_with_new_content(store: SqlStore, lease: Lease) -> None:
    put(store, lease, status("one"))
    (letter,) = store.waiting_letters()
    store.record_delivery(letter, settle(letter, Refused(error="422"), letter.due_at))
    assert waiting(store) == []
    put(store, lease, status("two"))
    assert waiting(store) == [status("two")]


def test_old_letters_are_forgotten(store: SqlStore, lease: Lease, store_clock: FixedClock) -> None:
    put(store, lease, status("one", sha="b" * 40))
    store_clock.time += KEPT + timedelta(days=1)
    renewed = store.acquire_lease("here", ttl_s=60)
    assert renewed is not None
    put(store, renewed, status("two"))
    assert waiting(store) == [status("two")]


def test_what_was_put_there_is_known_whether_sent_or_not(store: SqlStore, lease: Lease) -> None:
    one, two = (Posting(target=FORGE, message=status(text)) for text in ("one", "two"))
    assert not store.is_known(one)
    store.commit(Changes(postings=(one,)), lease)
    assert (store.is_known(one), store.is_known(two)) == (True, False)
    (letter,) = store.waiting_letters()
    store.record_delivery(letter, settle(letter, Sent(), letter.due_at))
    assert store.is_known(one)
