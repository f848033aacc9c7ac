"""Hand-made histories: the good one is good, and each promise can be seen to be broken."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from policy.model.execution import Uid
from reconciler.converge.ledger import Entry, Fact
from tests.safety.history import Effect, Kind, Outcome, Rule, check

_START = datetime(1970, 1, 1, tzinfo=UTC)


def fact(seq: int, what: Fact, *, attempt: int = 0, reason: str = "") -> Entry:
    """Return a fact of uid ``u``, entered ``seq`` times 10 ms after the beginning."""
    at = _START + timedelta(milliseconds=10 * seq)
    return Entry(uid=Uid("u"), run=1, fact=what, at=at, seq=seq, attempt=attempt, reason=reason)


def effect(at: int, kind: Kind, id_: str = "s1", *, attempt: int = 1, epoch: int = 1) -> Effect:
    """Return an effect on the only group of uid ``u``."""
    return Effect(
        at=at,
        epoch=epoch,
        kind=kind,
        id=id_,
        uid="u",
        generation=1,
        attempt=attempt,
        component="main",
        node="n1",
    )


LEDGER = [
    fact(1, Fact.FIRST_SEEN),
    fact(2, Fact.ATTEMPT_INTENDED, attempt=1),
    fact(5, Fact.ATTEMPT_ENDED, attempt=1, reason="NonZeroExit"),
    fact(6, Fact.ATTEMPT_INTENDED, attempt=2),
    fact(9, Fact.FINISHED, reason="Completed"),
]
HISTORY = [
    effect(30, Kind.CREATE),
    effect(40, Kind.END, epoch=0),
    effect(50, Kind.STORE),
    effect(55, Kind.REMOVE),
    effect(65, Kind.CREATE, "s2", attempt=2),
    effect(80, Kind.END, "s2", epoch=0),
    effect(90, Kind.STORE, "s2"),
    effect(99, Kind.REMOVE, "s2", epoch=2),
]


def rules(effects: list[Effect], entries: list[Entry] = LEDGER) -> list[Rule]:
    return [breach.rule for breach in check(effects, entries)]


def test_a_good_history_breaks_nothing() -> None:
    assert rules(HISTORY) == []


def test_two_services_of_one_group_are_seen() -> None:
    assert rules([effect(30, Kind.CREATE), effect(31, Kind.CREATE, "s2")]) == [
        Rule.SAME_GROUP_TWICE
    ]


def test_what_was_refused_changed_nothing_and_a_lost_reply_did() -> None:
    first, second = effect(30, Kind.CREATE), effect(31, Kind.CREATE, "s2")
    assert rules([first, replace(second, outcome=Outcome.REFUSED)]) == []
    assert rules([first, replace(second, outcome=Outcome.LOST)]) == [Rule.SAME_GROUP_TWICE]


def test_a_new_attempt_beside_one_that_still_runs_is_seen() -> None:
    assert rules([HISTORY[0], HISTORY[4]]) == [Rule.ATTEMPTS_OVERLAP]
    assert rules([HISTORY[0], HISTORY[1], HISTORY[4]]) == []


def test_whoever_led_before_does_nothing_any_more() -> None:
    removed = effect(35, Kind.REMOVE)
    later = effect(33, Kind.UPDATE, epoch=2)
    assert rules([HISTORY[0], later, removed]) == [Rule.STALE_LEADER]
    assert rules([HISTORY[0], later, replace(removed, outcome=Outcome.REFUSED)]) == []
    assert rules([HISTORY[0], later, replace(removed, epoch=0)]) == []


def test_a_leader_is_stale_once_another_one_began() -> None:
    begins = Effect(at=20, epoch=2, kind=Kind.LEAD, id="")
    assert rules([begins, HISTORY[0]]) == [Rule.STALE_LEADER]
    assert rules([begins, replace(HISTORY[0], epoch=2)]) == []


def test_what_ended_for_good_is_not_started_until_it_is_seen_again() -> None:
    late = effect(100, Kind.CREATE, attempt=2)
    assert rules([late]) == [Rule.START_AFTER_END]
    assert rules([late], [*LEDGER, fact(10, Fact.FIRST_SEEN)]) == []


def test_an_attempt_is_in_the_ledger_before_it_is_created() -> None:
    early = effect(30, Kind.CREATE, attempt=2)
    assert rules([early]) == [Rule.NOT_INTENDED]
    assert rules([replace(early, ledger_seq=6)]) == []
    assert rules([replace(HISTORY[0], ledger_seq=1)]) == [Rule.NOT_INTENDED]


def test_attempts_are_numbered_one_after_the_other() -> None:
    skipped = [LEDGER[0], fact(2, Fact.ATTEMPT_INTENDED, attempt=2)]
    assert rules([], skipped) == [Rule.ATTEMPT_SKIPPED]
    doubled = [*LEDGER[:2], fact(3, Fact.ATTEMPT_INTENDED, attempt=2)]
    assert rules([], doubled) == [Rule.ATTEMPT_DOUBLED]


def test_a_result_is_stored_before_its_service_goes() -> None:
    created, ended, _, removed, *_ = HISTORY
    assert rules([created, ended, removed]) == [Rule.RESULT_LOST]
    assert rules([created, ended, replace(removed, epoch=0)]) == []


def test_what_was_written_off_may_end_as_it_likes() -> None:
    """A lost node comes back: what its task came to counts for nothing any more."""
    created, ended, stored, removed, *_ = HISTORY
    assert rules([created, replace(stored, at=35), ended, removed]) == []


def test_what_is_held_or_foreign_stays() -> None:
    removed = effect(35, Kind.REMOVE)
    assert rules([HISTORY[0], replace(removed, is_held=True)]) == [Rule.HELD_DELETED]
    assert rules([replace(removed, is_foreign=True)]) == [Rule.FOREIGN_TOUCHED]
