"""What is sent next: only changes, the newest, and not while a target wants to be left alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.outbound.outbox import (
    FINAL_STATUSES_KEPT,
    GIVEN_UP_AFTER,
    LONGEST_PAUSE,
    CommitStatus,
    Delayed,
    Letter,
    Message,
    PullComment,
    Refused,
    Sent,
    State,
    due,
    settle,
)
from reconciler.outbound.rate import PER_HOUR, PER_MINUTE, Pace

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
PENDING = CommitStatus(sha="a" * 40, context="zoe/apply", state=State.PENDING, description="soon")


def letter(message: Message = PENDING, *, sends: int = 0, age: timedelta = MINUTE) -> Letter:
    return Letter(
        target="forge:platform",
        message=message,
        changed_at=NOW - age,
        due_at=NOW - age,
        sends=sends,
    )


def now_due(*letters: Letter, most: int = 0, paused_until: datetime | None = None):
    paused = {"forge:platform": paused_until} if paused_until else {}
    return due(letters, NOW, paused_until=paused, statuses_most=lambda _: most)


def test_what_the_target_has_is_not_sent_again() -> None:
    sent = settle(letter(), Sent(remote_id="7"), NOW)
    assert (now_due(sent), sent.remote_id, sent.sends) == ((), "7", 1)


def test_who_waits_longest_goes_first() -> None:
    old = letter(PullComment(pull=1, body="old"), age=3 * MINUTE)
    assert now_due(letter(), old) == (old, letter())


def test_a_failure_waits_longer_each_time_and_success_forgets_it() -> None:
    waits, failed = [], letter()
    for _ in range(6):
        failed = settle(failed, Delayed(error="503"), NOW)
        waits.append(failed.due_at - NOW)
    assert waits == sorted(set(waits))
    assert now_due(failed) == ()
    assert settle(failed, Sent(), NOW).tries == 0


def test_retry_after_is_honoured_where_it_is_longer() -> None:
    asked = timedelta(hours=1)
    failed = settle(letter(), Delayed(error="429", retry_after=asked), NOW)
    assert failed.due_at == NOW + asked


def test_no_target_silences_us_for_long() -> None:
    asked = timedelta(days=3650)
    failed = settle(letter(), Delayed(error="429", retry_after=asked), NOW)
    assert failed.due_at == NOW + LONGEST_PAUSE


def test_what_is_refused_is_given_up_and_so_is_old_news() -> None:
    assert settle(letter(), Refused(error="422"), NOW).is_closed
    fresh = settle(letter(), Delayed(error="503"), NOW)
    old = settle(letter(age=GIVEN_UP_AFTER), Delayed(error="503"), NOW)
    assert (fresh.is_closed, old.is_closed) == (False, True)


def test_a_paused_target_gets_nothing_until_then() -> None:
    assert now_due(letter(), paused_until=NOW + MINUTE) == ()
    assert now_due(letter(), paused_until=NOW) == (letter(),)


@pytest.mark.parametrize(
    ("state", "sends", "is_sent"),
    [
        (State.PENDING, 999 - FINAL_STATUSES_KEPT, True),
        (State.PENDING, 1000 - FINAL_STATUSES_KEPT, False),
        (State.SUCCESS, 999, True),
        (State.SUCCESS, 1000, False),
    ],
)
def test_the_last_statuses_of_a_commit_are_kept_for_final_states(
    state: State, sends: int, is_sent: bool
) -> None:
    message = CommitStatus(sha="a" * 40, context="zoe/apply", state=state, description="")
    assert bool(now_due(letter(message, sends=sends), most=1000)) is is_sent


def test_contexts_that_differ_in_case_are_one() -> None:
    other = CommitStatus(sha="a" * 40, context="ZOE/apply", state=State.SUCCESS, description="")
    assert other.key == PENDING.key


OUTCOMES = st.one_of(
    st.just(Sent()),
    st.just(Refused(error="422")),
    st.builds(
        Delayed,
        error=st.just("503"),
        retry_after=st.none() | st.timedeltas(timedelta(), timedelta(days=9999)),
    ),
)


@given(st.lists(st.tuples(OUTCOMES, st.timedeltas(timedelta(), timedelta(hours=12)))))
def test_a_letter_never_waits_for_ever_and_never_goes_out_twice(steps) -> None:
    now, known = NOW, letter()
    for outcome, passed in steps:
        if not due([known], now, paused_until={}, statuses_most=lambda _: 0):
            now += passed
            continue
        known = settle(known, outcome, now)
        assert known.due_at - now <= LONGEST_PAUSE
        now += passed
    if known.sends:
        assert known.sends == 1
        assert not known.is_waiting


def test_the_pace_leaves_room_below_what_forges_ask_for() -> None:
    pace, now, most = Pace(), NOW, 0
    for _ in range(2 * PER_HOUR):
        if pace.allows("forge:a", now):
            pace.note("forge:a", now)
            most += 1
        now += timedelta(milliseconds=200)
    assert most <= 3 * PER_MINUTE
    assert pace.allows("forge:b", now)
    assert pace.allows("forge:a", now + MINUTE)
