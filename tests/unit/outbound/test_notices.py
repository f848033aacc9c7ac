"""Which ledger facts are news to people."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from policy.model.execution import Uid
from reconciler.converge.ledger import (
    HELD_BY_OPERATOR,
    UPDATE_FAILED,
    EndReason,
    Entry,
    Fact,
    Record,
)
from reconciler.outbound.notices import transition_of

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
RECORD = Record(uid=Uid("u"), run=1, first_seen_at=NOW, queued_at=NOW, first_started_at=NOW)


def entry(fact: Fact, reason: str = "", *, at: datetime = NOW) -> Entry:
    return Entry(uid=Uid("u"), run=1, fact=fact, at=at, reason=reason)


@pytest.mark.parametrize(
    ("fact", "reason", "transition"),
    [
        (Fact.ATTEMPT_STARTED, "", "started"),
        (Fact.FINISHED, EndReason.COMPLETED, "finished"),
        (Fact.FINISHED, EndReason.LIFETIME_REACHED, "finished"),
        (Fact.FINISHED, EndReason.NON_ZERO_EXIT, "failed"),
        (Fact.FINISHED, EndReason.QUEUE_TIMEOUT, "failed"),
        (Fact.FINISHED, EndReason.DEPENDENCY_FAILED, "failed"),
        (Fact.FINISHED, EndReason.SKIPPED, ""),
        (Fact.HELD, UPDATE_FAILED, "held"),
        (Fact.HELD, HELD_BY_OPERATOR, "held"),
        (Fact.HELD, "", ""),
        (Fact.RELEASED, "", ""),
        (Fact.CANCELLED, EndReason.DELETED, ""),
        (Fact.ATTEMPT_ENDED, EndReason.NODE_LOST, ""),
        (Fact.GENERATION, "", ""),
    ],
)
def test_a_fact_is_this_transition(fact: Fact, reason: str, transition: str) -> None:
    assert transition_of(entry(fact, reason), RECORD) == transition


def test_only_the_first_start_of_a_run_is_news() -> None:
    again = entry(Fact.ATTEMPT_STARTED, at=NOW + timedelta(hours=1))
    assert transition_of(again, RECORD) == ""
    assert transition_of(again, replace(RECORD, first_started_at=again.at)) == "started"
