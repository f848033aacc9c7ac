"""The fold of a ledger: what the facts of one uid add up to."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.model.execution import Uid
from reconciler.converge.ledger import EndReason, Entry, Fact, fold
from reconciler.errors import InvariantViolated
from tests.builders import NOW

FIRST = Entry(uid=Uid("u"), run=1, fact=Fact.FIRST_SEEN, at=NOW, seq=1)


def entry(fact: Fact, *, after_s: int = 0, **fields: object) -> Entry:
    return replace(FIRST, fact=fact, at=NOW + timedelta(seconds=after_s), **fields)


@st.composite
def entries(draw: st.DrawFn) -> list[Entry]:
    facts = draw(st.lists(st.sampled_from(Fact), max_size=12))
    made = [FIRST]
    for seq, fact in enumerate(facts, 2):
        reason = draw(st.sampled_from(EndReason))
        after = draw(st.integers(0, 1000))
        made.append(entry(fact, after_s=after, seq=seq, reason=str(reason), attempt=seq))
    return made


@given(entries(), st.integers(0, 12))
def test_a_fold_can_be_interrupted_anywhere(all_of_it: list[Entry], at: int) -> None:
    """The loop folds as it commits, a new leader from the beginning: both must agree."""
    first, rest = all_of_it[:at], all_of_it[at:]
    assert fold(rest, fold(first)) == fold(all_of_it)


@given(entries())
def test_an_ended_run_has_no_open_attempt(all_of_it: list[Entry]) -> None:
    record = fold([*all_of_it, entry(Fact.FINISHED, reason="Completed", seq=99)])
    assert record is not None
    assert (record.is_final, record.attempt_open, record.last_seq) == (True, False, 99)


def test_nothing_folds_to_nothing_and_a_torn_ledger_is_an_error() -> None:
    assert fold([]) is None
    with pytest.raises(InvariantViolated):
        fold([entry(Fact.ADMITTED)])


def test_attempts_add_up_what_they_ran_and_how_they_failed() -> None:
    record = fold(
        [
            FIRST,
            entry(Fact.ATTEMPT_INTENDED, attempt=1, node="n1"),
            entry(Fact.ATTEMPT_STARTED, after_s=10),
            entry(Fact.ATTEMPT_ENDED, after_s=40, reason="NonZeroExit", code=3),
            entry(Fact.ATTEMPT_INTENDED, after_s=50, attempt=2),
            entry(Fact.ATTEMPT_STARTED, after_s=60),
            entry(Fact.ATTEMPT_ENDED, after_s=65, reason="NodeLost"),
            entry(Fact.ATTEMPT_INTENDED, after_s=70, attempt=3),
            entry(Fact.ATTEMPT_ENDED, after_s=80, reason="ImageUnavailable"),
        ]
    )
    assert record is not None
    assert (record.ran_ms, record.attempt, record.home) == (35_000, 3, "n1")
    assert (record.failures, record.nodes_lost, record.failed_starts) == (1, 1, 1)
    assert record.first_started_at == NOW + timedelta(seconds=10)
    assert record.last_end is not None
    assert record.last_end.reason is EndReason.IMAGE_UNAVAILABLE


def test_seen_again_it_starts_afresh_but_its_counters_go_on() -> None:
    before = fold(
        [
            FIRST,
            entry(Fact.GENERATION, generation=1),
            entry(Fact.ADMITTED, generation=1),
            entry(Fact.ATTEMPT_INTENDED, attempt=1),
            entry(Fact.CANCELLED, reason="Deleted"),
        ]
    )
    again = fold([replace(FIRST, at=NOW + timedelta(days=1))], before)
    assert again is not None
    assert (again.is_final, again.failures, again.ran_ms) == (False, 0, 0)
    assert (again.attempt, again.generation, again.incarnation) == (1, 1, 1)
