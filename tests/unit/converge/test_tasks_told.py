"""What the status document says of a component's image and tasks."""

from __future__ import annotations

from dataclasses import replace

from reconciler.converge import describe
from reconciler.converge.state import ObservedState, ObservedTask, TaskState
from reconciler.converge.status import TaskStatus, document, published
from tests.builders import (
    Ledger,
    carried_out,
    interactive,
    manifest,
    observed,
    resources,
    service,
    status_of,
    task,
    wanted,
)

BOOK = manifest(interactive(service(image="busybox")))


def started(ledger: Ledger) -> ObservedState:
    return carried_out(ledger.assess(wanted(BOOK), observed()), observed())


def told(ledger: Ledger, state: ObservedState, *tasks: ObservedTask) -> tuple[TaskStatus, ...]:
    found = ledger.assess(wanted(BOOK), replace(state, tasks=tasks))
    return status_of(found, BOOK).components[0].tasks


def test_the_newest_task_of_a_slot_is_told_with_its_error_and_exit_code() -> None:
    ledger = Ledger()
    state = started(ledger)
    (mine,) = state.services
    failed = task(mine.id, TaskState.FAILED, exit_code=3, error="task: non-zero exit (3)", id="t1")
    failed = replace(failed, desired_state=TaskState.RUNNING)
    assert told(ledger, state, failed) == (
        TaskStatus(node="n1", state="failed", exit_code=3, error="task: non-zero exit (3)"),
    )
    ledger.later(seconds=5)
    newer = task(mine.id, TaskState.STARTING, created_at=ledger.now, id="t2")
    assert told(ledger, state, failed, newer) == (TaskStatus(node="n1", state="starting"),)


def test_no_more_tasks_are_told_than_anybody_reads() -> None:
    ledger = Ledger()
    state = started(ledger)
    (mine,) = state.services
    many = [task(mine.id, id=f"t{n}", slot=n) for n in range(describe.MOST_TASKS + 5)]
    assert len(told(ledger, state, *many)) == describe.MOST_TASKS


def test_before_it_starts_the_image_is_as_resolved_and_then_as_it_runs() -> None:
    ledger = Ledger()
    crowded = observed(tasks=(task("foreign", reservations=resources(cpus=4)),))
    waiting = status_of(ledger.assess(wanted(BOOK), crowded), BOOK)
    assert (waiting.components[0].image, waiting.components[0].tasks) == ("busybox", ())
    state = started(ledger)
    (mine,) = state.services
    pinned = replace(mine, spec=replace(mine.spec, image="busybox@sha256:1"))
    found = ledger.assess(wanted(BOOK), replace(state, services=(pinned,)))
    assert status_of(found, BOOK).components[0].image == "busybox@sha256:1"


def test_tasks_are_for_pages_and_not_for_the_status_branch() -> None:
    ledger = Ledger()
    found = ledger.assess(wanted(BOOK), started(ledger))
    whole = document(status_of(found, BOOK))
    assert whole["status"]["components"][0]["tasks"] == [{"node": "n1", "state": "running"}]
    assert "components" not in published(whole)["status"]


def test_what_a_replica_may_take_at_most_is_told_where_it_is_bounded() -> None:
    spec = interactive(service("a", limits=resources(cpus=2)), service("b"))
    bounded = manifest(spec)
    found = status_of(Ledger().assess(wanted(bounded), observed()), bounded)
    whole = document(found)
    first, second = whole["status"]["components"]
    assert first["limits"] == {"cpu": 2000, "memory": 0}
    assert "limits" not in second
    assert "components" not in published(whole)["status"]
