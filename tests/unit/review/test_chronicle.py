"""The facts of a name as people read them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from policy.model.execution import Uid
from reconciler.converge.ledger import Entry, Fact
from reconciler.review.chronicle import chronicle, run_told
from tests.builders import NOW

FIRST = Entry(uid=Uid("a"), run=1, fact=Fact.FIRST_SEEN, at=NOW, seq=1)


def told(**fields: object) -> str:
    entry = replace(FIRST, seq=2, **fields)  # type: ignore[arg-type]
    return chronicle([FIRST, entry])[-1].told


def test_every_fact_has_a_sentence_of_its_own() -> None:
    assert len({told(fact=fact) for fact in Fact}) == len(Fact)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"fact": Fact.FIRST_SEEN}, "seen again"),
        ({"fact": Fact.GENERATION, "generation": 3}, "generation 3"),
        (
            {"fact": Fact.ATTEMPT_ENDED, "attempt": 2, "reason": "NonZeroExit", "code": 137},
            "attempt 2 ended: NonZeroExit, exit code 137",
        ),
        (
            {"fact": Fact.FINISHED, "reason": "Completed", "code": 0},
            "finished: Completed, exit code 0",
        ),
        ({"fact": Fact.CANCELLED, "reason": "Deleted"}, "cancelled: Deleted"),
        (
            {"fact": Fact.HELD, "reason": "UpdateFailed", "generation": 2},
            "held: generation 2, UpdateFailed",
        ),
        (
            {"fact": Fact.HELD, "reason": "HeldByOperator", "by": "ann", "told": "a new disk"},
            "held by ann: a new disk",
        ),
        ({"fact": Fact.RELEASED, "by": "bob", "told": ""}, "released by bob"),
        ({"fact": Fact.RELEASED, "by": "bob", "told": "done"}, "released by bob: done"),
    ],
)
def test_a_fact_tells_what_matters_of_it(fields: dict[str, object], sentence: str) -> None:
    assert told(**fields) == sentence


def test_facts_come_in_the_order_in_which_they_were_entered() -> None:
    """A hold carries the time at which it was asked for, which is before it was entered."""
    early = replace(
        FIRST, fact=Fact.HELD, reason="HeldByOperator", at=NOW - timedelta(hours=1), seq=3
    )
    other = replace(FIRST, uid=Uid("b"), run=2, seq=2)
    assert [h.entry.seq for h in chronicle([early, other, FIRST])] == [1, 2, 3]
    assert [h.told for h in chronicle([early, other, FIRST])][:2] == ["first seen", "first seen"]


def test_runs_are_called_by_number_or_by_time() -> None:
    assert run_told(2) == "run 2"
    assert run_told(0) == "schedule"
    assert run_told(int(NOW.timestamp())) == "run of 2026-01-01 12:00"
