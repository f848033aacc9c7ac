"""What is due, and when."""

from __future__ import annotations

from policy.model.execution import Uid
from policy.simulator.agenda import Agenda

A, B = Uid("a"), Uid("b")


def test_the_earliest_comes_first_and_once():
    agenda = Agenda()
    agenda.set(A, 20)
    agenda.set(B, 10)
    assert agenda.next_ms() == 10
    assert agenda.take(15) == [(10, B)]
    assert agenda.take(20) == [(20, A)]
    assert agenda.next_ms() is None


def test_a_new_time_replaces_the_old():
    agenda = Agenda()
    for due_ms in (10, 30, 10, 20):
        agenda.set(A, due_ms)
    assert agenda.take(15) == []
    assert agenda.take(99) == [(20, A)]


def test_what_is_taken_off_is_not_due():
    agenda = Agenda()
    agenda.set(A, 10)
    agenda.set(A, None)
    assert agenda.next_ms() is None
