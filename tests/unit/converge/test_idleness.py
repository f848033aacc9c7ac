"""When nobody uses an execution: what answers prove, and what they never do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.model.execution import Uid
from reconciler.converge.idleness import (
    SLACK,
    Activity,
    Answer,
    NoAnswer,
    Stage,
    announced_at,
    ending,
    ends_at,
    interval,
    longest_gap,
    noted,
    stage,
    unknown_for,
)
from reconciler.manifest.idle import Idle, Probe

T0 = datetime(2026, 1, 1, 12, tzinfo=UTC)
IDLE = Idle(after_ms=7_200_000, probe=Probe(type="jupyter", service="main", port="web"))
AFTER = timedelta(hours=2)
NEW = Activity(uid=Uid("u"), attempt=1)

Found = Answer | NoAnswer


def at(minutes: float) -> datetime:
    return T0 + timedelta(minutes=minutes)


def known(*found: Found) -> Activity:
    activity = NEW
    for one in found:
        activity = noted(activity, one, IDLE)
    return activity


def idle_answers(until: int, *, used_at: datetime | None = None) -> list[Found]:
    """An answer a minute, from 0 to ``until``."""
    return [Answer(at=at(minute), active_at=used_at) for minute in range(until + 1)]


def test_it_ends_once_nobody_used_it_for_the_whole_time() -> None:
    soon, over = known(*idle_answers(120)), known(*idle_answers(121))
    assert stage(soon, IDLE, now=at(120)) is Stage.SOON
    assert ending(over, IDLE, now=at(121)) == "nobody used it since 2026-01-01 12:00:00 UTC"


def test_it_is_announced_ten_minutes_before() -> None:
    assert stage(known(*idle_answers(110)), IDLE, now=at(110)) is Stage.USED
    assert stage(known(*idle_answers(111)), IDLE, now=at(111)) is Stage.SOON


def test_the_last_use_that_an_application_tells_of_begins_the_time_anew() -> None:
    used = known(*idle_answers(60), *[Answer(at=at(m), active_at=at(50)) for m in range(61, 130)])
    assert used.idle_since == at(50)
    assert stage(used, IDLE, now=at(129)) is Stage.USED


def test_use_before_the_first_answer_shortens_nothing() -> None:
    assert known(Answer(at=at(0), active_at=at(-600))).idle_since == at(0)


@pytest.mark.parametrize(
    "between",
    [
        [],
        [NoAnswer(at=at(minute), why="away") for minute in range(61, 67)],
        [Answer(at=at(61), is_steady=False)],
        [Answer(at=at(30))],
    ],
    ids=["nobody asked", "no answer", "the clock jumped", "the clock went back"],
)
def test_what_is_not_known_counts_for_nothing(between: Sequence[Found]) -> None:
    activity = known(*idle_answers(60), *between, Answer(at=at(67)), Answer(at=at(68)))
    assert activity.idle_since is not None
    assert activity.idle_since > at(0)
    later = [Answer(at=at(minute)) for minute in range(69, 123)]
    assert stage(known(*idle_answers(60), *between, *later), IDLE, now=at(122)) is not Stage.OVER


def test_one_question_without_an_answer_between_two_with_one_is_no_gap() -> None:
    activity = known(*idle_answers(60), NoAnswer(at=at(61), why="busy"), Answer(at=at(62)))
    assert activity.idle_since == at(0)
    assert (activity.why, activity.unknown_since) == ("", None)


def test_a_silence_is_told_once_it_lasts_and_with_its_reason() -> None:
    silent = known(Answer(at=at(0)), *(NoAnswer(at=at(m), why="away") for m in range(1, 8)))
    assert unknown_for(silent, IDLE, now=at(6)) == ""
    assert unknown_for(silent, IDLE, now=at(7)) == "away"


def test_moments_told_in_whole_seconds_do_not_move_the_time() -> None:
    early, late = T0 + timedelta(milliseconds=900), T0 + timedelta(milliseconds=1_800)
    jitter = (Answer(at=at(1), active_at=late), Answer(at=at(2), active_at=early))
    assert known(Answer(at=at(0)), *jitter).idle_since == T0


found = st.one_of(
    st.builds(
        lambda step, ago, steady: (step, ago, steady),
        st.integers(-5, 400),
        st.none() | st.integers(0, 20_000),
        st.booleans() | st.just(True),
    ),
    st.integers(0, 400),
)


def played(steps: Sequence[object]) -> list[tuple[Found, Activity]]:
    """Answers and silences some seconds apart, each with what is known after it."""
    now, activity, course = T0, NEW, []
    for step in steps:
        if isinstance(step, tuple):
            seconds, ago, steady = step
            now += timedelta(seconds=seconds)
            used = None if ago is None else now - timedelta(seconds=ago)
            one: Found = Answer(at=now, active_at=used, is_steady=steady)
        else:
            now += timedelta(seconds=int(str(step)))
            one = NoAnswer(at=now, why="away")
        activity = noted(activity, one, IDLE)
        course.append((one, activity))
    return course


@given(st.lists(found, max_size=60), st.integers(0, 10_000))
def test_it_never_ends_without_proof(steps: Sequence[object], later_s: int) -> None:
    course = played(steps)
    if not course:
        return
    last, activity = course[-1]
    now = last.at + timedelta(seconds=later_s)
    if stage(activity, IDLE, now=now) is not Stage.OVER:
        return
    assert isinstance(last, Answer)
    assert now - last.at <= longest_gap(IDLE)
    row = _row_of_answers([one for one, _ in course])
    assert last.at - row[0].at >= AFTER
    uses = [answer.active_at for answer in row if answer.active_at is not None]
    assert all(last.at - used >= AFTER for used in uses)


def _row_of_answers(course: Sequence[Found]) -> list[Answer]:
    """The newest answers that follow each other closely."""
    row: list[Answer] = []
    for one in course:
        if isinstance(one, NoAnswer):
            continue
        if row and one.is_steady and row[-1].at <= one.at <= row[-1].at + longest_gap(IDLE):
            row.append(one)
        else:
            row = [one]
    return row


@given(st.lists(found, max_size=60))
def test_while_it_is_used_it_neither_ends_nor_is_that_announced(steps: Sequence[object]) -> None:
    *_, (_, activity) = played([*steps, (1, 0, True)])
    assert activity.answered_at is not None
    assert stage(activity, IDLE, now=activity.answered_at) is Stage.USED


@given(st.lists(found, min_size=1, max_size=60))
def test_with_answers_of_no_use_the_stages_only_go_forward(steps: Sequence[object]) -> None:
    (_, activity) = played([*steps, (1, None, True)])[-1]
    order = [Stage.USED, Stage.SOON, Stage.OVER]
    reached = 0
    for _ in range(140):
        assert activity.answered_at is not None
        now = activity.answered_at + interval(IDLE)
        activity = noted(activity, Answer(at=now), IDLE)
        becomes = order.index(stage(activity, IDLE, now=now))
        assert becomes >= reached
        reached = becomes
    assert order[reached] is Stage.OVER


@given(st.integers(10_000, 10**9))
def test_the_times_of_any_length_are_in_order(after_ms: int) -> None:
    idle = replace(IDLE, after_ms=after_ms)
    activity = noted(NEW, Answer(at=T0), idle)
    soon, end = announced_at(activity, idle), ends_at(activity, idle)
    assert soon is not None
    assert end == T0 + timedelta(milliseconds=after_ms) + SLACK
    assert T0 < soon < end
    assert interval(idle) < longest_gap(idle) <= timedelta(milliseconds=after_ms) / 2
