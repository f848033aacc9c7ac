"""What a set says of its executions together: how many at a time, how far apart, when to stop."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from policy.model.execution import Uid
from reconciler.converge.ledger import Fact
from reconciler.manifest.spec import Retries
from tests.builders import batch, resources, service
from tests.unit.converge.sets import NOW, Course, members


def test_at_most_so_many_are_under_way_at_a_time() -> None:
    course = Course(*members(5, parallel=2))
    course.reconcile()
    assert course.counts == {"Running": 2, "SetParallel": 3}
    assert course.message("lab-3") == "2 of 2 are under way; it is next"
    assert course.message("lab-5") == "at most 2 are under way at a time; it comes after lab-4"
    course.end("lab-1")
    course.reconcile(passes=2)
    assert course.reasons == {
        "lab-1": "Completed",
        "lab-2": "Running",
        "lab-3": "Running",
        "lab-4": "SetParallel",
        "lab-5": "SetParallel",
    }


def test_a_set_without_bounds_starts_as_a_whole() -> None:
    course = Course(*members(5))
    assert course.reconcile().decision.starts == ()
    assert course.counts == {"Running": 5}


def test_nothing_changes_while_nobodys_turn_comes() -> None:
    course = Course(*members(5, parallel=2, stagger_ms=1000))
    course.reconcile(passes=3, seconds=5)
    found = course.reconcile()
    assert (found.steps, found.plan.actions) == ((), ())
    before = {uid: d["status"] for uid, d in course.ledger.memory.statuses.items()}
    course.reconcile(minutes=5)
    assert {uid: d["status"] for uid, d in course.ledger.memory.statuses.items()} == before


def test_who_failed_once_and_tries_again_keeps_its_place() -> None:
    course = Course(
        *members(2, parallel=1, spec=batch(service(completes=True), retries=Retries(failure=1)))
    )
    course.reconcile()
    course.end("lab-1", code=1)
    course.reconcile(passes=2)
    assert course.reasons == {"lab-1": "BackOff", "lab-2": "SetParallel"}


def test_a_suspended_member_gives_its_place_to_the_next() -> None:
    one, two = members(2, parallel=1)
    course = Course(one, two)
    course.reconcile()
    course.want(replace(one, suspend=True), two)
    course.reconcile(passes=3)
    assert course.reasons == {"lab-1": "Suspended", "lab-2": "Running"}


def test_when_more_have_failed_than_may_no_further_one_starts_and_the_others_go_on() -> None:
    course = Course(*members(5, parallel=2, max_failed=0))
    course.reconcile()
    course.end("lab-1", code=3)
    course.reconcile(passes=2)
    assert course.reasons == {
        "lab-1": "NonZeroExit",
        "lab-2": "Running",
        "lab-3": "SetFailed",
        "lab-4": "SetFailed",
        "lab-5": "SetFailed",
    }
    assert course.message("lab-3").startswith("1 of 5 failed, more than maxFailed 0")


def test_starts_are_so_far_apart_and_the_clock_is_set_for_each() -> None:
    course = Course(*members(3, stagger_ms=10_000))
    for _ in range(6):
        found = course.reconcile(passes=2)
        wake = min((s.next_try_at for s in found.statuses if s.next_try_at), default=None)
        if wake is None:
            break
        course.ledger.now = wake
    starts = [e.at for e in course.ledger.entries if e.fact is Fact.ATTEMPT_INTENDED]
    assert starts == [NOW + timedelta(seconds=10 * n) for n in range(3)]
    assert course.counts == {"Running": 3}


def test_only_the_next_one_says_when() -> None:
    course = Course(*members(3, stagger_ms=10_000))
    found = course.reconcile()
    told = {s.name: (s.message, s.next_try_at) for s in found.statuses if s.reason == "SetStagger"}
    assert told == {
        "lab-2": ("starts 10 s after the one before it", NOW + timedelta(seconds=10)),
        "lab-3": ("starts 10 s after lab-2", None),
    }


def test_one_that_can_never_start_keeps_nobody_waiting() -> None:
    huge = batch(service(completes=True, reservations=resources(cpus=1000, memory=1)))
    first, *others = members(3, parallel=1, stagger_ms=1000)
    course = Course(replace(first, spec=huge, document_hash="x"), *others)
    course.reconcile(passes=3, seconds=2)
    assert course.reasons == {"lab-1": "NeverFits", "lab-2": "Running", "lab-3": "SetParallel"}


def test_raising_the_bound_starts_more_and_restarts_nobody() -> None:
    course = Course(*members(4, parallel=1))
    course.reconcile()
    course.want(*members(4, parallel=3))
    course.reconcile(passes=2)
    assert course.counts == {"Running": 3, "SetParallel": 1}
    uid = next(Uid(s.uid) for s in course.found.statuses if s.name == "lab-1")
    assert course.ledger.facts(uid).count("attempt_intended") == 1


def test_a_set_that_is_deleted_goes_at_once_and_one_that_shrinks_too_much_is_held() -> None:
    course = Course(*members(8))
    course.reconcile()
    course.want(*members(1))
    found = course.reconcile()
    assert {why[0] for why in found.held.values()} == {"MassDelete"}
    assert len(found.held) == 7
    again = course.reconcile()  # the manifest is gone; whose it was is still known
    assert again.held == found.held
    course.want()
    found = course.reconcile()
    assert found.held == {}
