"""``repeat: always``: who has ended is started again, and the width of the set stays."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from reconciler.converge.repeating import KEEP
from reconciler.converge.runs import is_scheduled
from tests.builders import batch, service
from tests.unit.converge.sets import Course, members


def repeating(count: int = 2, **rules: object) -> Course:
    return Course(*members(count, spec=batch(service(completes=True)), repeats=True, **rules))


def live(course: Course) -> int:
    return sum(r.attempt_open for r in course.ledger.memory.records.values())


def runs(course: Course, name: str) -> list[int]:
    return sorted(
        i.run
        for i in course.ledger.memory.identities.values()
        if i.name == name and is_scheduled(i.run)
    )


def test_what_has_ended_is_followed_by_its_next_run() -> None:
    course = repeating()
    for _ in range(3):
        course.reconcile(passes=2)
        assert live(course) == 2
        course.ledger.later(minutes=5)
        course.end("lab-1", "lab-2")
        course.reconcile(passes=2)
    assert live(course) == 2
    assert len(runs(course, "lab-1")) == 4
    course.reconcile()
    assert course.counts == {"Running": 2}


def test_a_second_pass_changes_nothing() -> None:
    course = repeating()
    course.reconcile(passes=2)
    again = course.reconcile()
    assert (again.steps, again.plan.actions, again.forgotten) == ((), (), ())


def test_few_ended_runs_stay_known() -> None:
    course = repeating(1)
    for _ in range(KEEP + 4):
        course.reconcile(passes=2)
        course.ledger.later(minutes=5)
        course.end("lab-1")
        course.reconcile(passes=2)
    course.reconcile(minutes=5, passes=3)
    assert len(runs(course, "lab-1")) == KEEP + 1


def test_what_fails_at_once_is_tried_again_later_each_time() -> None:
    course = repeating(1)
    pauses = []
    for _ in range(4):
        course.reconcile(passes=3)
        course.end("lab-1", code=1)
        found = course.reconcile(passes=2)
        assert live(course) == 0
        (wake,) = [s.next_run_at for s in found.statuses if s.next_run_at]
        assert found.wake_at == wake
        pauses.append((wake - course.ledger.now).total_seconds())
        course.ledger.now = wake
    assert all(later > earlier for earlier, later in pairwise(pauses))
    assert pauses[0] >= 5


def test_what_succeeds_at_once_makes_no_storm_either() -> None:
    course = repeating(1)
    course.reconcile()
    course.end("lab-1")
    course.reconcile(passes=3)
    assert live(course) == 0


def test_suspending_stops_what_runs_and_resuming_goes_on_with_it() -> None:
    course = repeating()
    course.reconcile(passes=2, minutes=1)
    was = runs(course, "lab-1")
    course.want(*(replace(m, suspend=True) for m in course.wanted.manifests.values()))
    course.reconcile(passes=3)
    assert live(course) == 0
    assert course.counts == {"Suspended": 2}
    course.want(*(replace(m, suspend=False) for m in course.wanted.manifests.values()))
    course.reconcile(passes=3, minutes=1)
    assert live(course) == 2
    assert runs(course, "lab-1") == was


def test_removing_the_set_ends_it() -> None:
    course = repeating()
    course.reconcile(passes=2)
    course.want()
    course.reconcile(passes=3, minutes=1)
    assert live(course) == 0
    assert course.reconcile(passes=2).steps == ()


def test_of_more_members_than_may_run_everybody_has_a_turn() -> None:
    course = repeating(3, parallel=1)
    seen = []
    for _ in range(6):
        course.reconcile(passes=3, minutes=1)
        (name,) = {
            course.ledger.memory.identities[uid].name
            for uid, record in course.ledger.memory.records.items()
            if record.attempt_open
        }
        seen.append(name)
        course.ledger.later(minutes=1)
        course.end(name)
    assert seen == ["lab-1", "lab-2", "lab-3"] * 2
