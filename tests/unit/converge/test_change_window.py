"""Outside of its change windows a platform lets no edit touch what runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from reconciler.converge import change_window
from reconciler.converge.change_window import OUTSIDE
from reconciler.converge.plan import RemoveService, UpdateService
from reconciler.converge.state import ObservedState, TaskState
from reconciler.converge.status import Phase
from reconciler.converge.world import Wanted
from reconciler.manifest.platform import Platform
from reconciler.manifest.spec import Manifest, Retries, UpdateMode, Window
from reconciler.review.cluster import Cluster
from reconciler.review.preview import ActionKind, preview
from tests.builders import (
    HOST,
    NOW,
    Ledger,
    batch,
    carried_out,
    interactive,
    manifest,
    observed,
    service,
    status_of,
    wanted,
)

EVENING = Window(duration_ms=3_600_000, cron="0 20 * * *", timezone="Europe/Paris")
PLATFORM = Platform(change_windows=(EVENING,))
OPENS = NOW.replace(hour=19)
HELD = "waits for the next change window, at 2026-01-01T20:00+01:00"


def held(*manifests: Manifest, platform: Platform = PLATFORM) -> Wanted:
    return wanted(*manifests, platform=platform)


def running(ledger: Ledger, job: Manifest) -> ObservedState:
    state = carried_out(ledger.assess(held(job), observed()), observed())
    assert status_of(ledger.assess(held(job), state), job).phase is Phase.RUNNING
    return state


NOTEBOOK = manifest(interactive(), name="book")
EDITS = {
    "rolling": manifest(interactive(service(image="newer")), name="book"),
    "replacing": manifest(interactive(service(max_per_node=1)), name="book"),
    "in place": manifest(interactive(lifetime_ms=1), name="book"),
    "suspending": replace(NOTEBOOK, suspend=True),
}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_of_what_runs_waits_for_the_window(edit: str) -> None:
    ledger, edited = Ledger(), EDITS[edit]
    state = running(ledger, NOTEBOOK)
    found = ledger.assess(held(edited), state)
    assert (found.steps, found.plan.actions) == ((), ())
    status = status_of(found, edited)
    assert status.phase is Phase.RUNNING
    (condition,) = [c for c in status.conditions if c.type == "Held"]
    assert (condition.reason, condition.message) == (OUTSIDE, HELD)
    assert found.wake_at == OPENS
    ledger.now = OPENS
    assert ledger.assess(held(edited), state).steps != ()


def test_a_zapp_that_is_followed_is_followed_in_the_window() -> None:
    ledger = Ledger()
    book = replace(NOTEBOOK, update=UpdateMode.AUTO)
    state = running(ledger, book)
    spec = interactive(service(image="newer"))
    follows = manifest(spec, name="book", update=UpdateMode.AUTO, document_hash=book.document_hash)
    assert ledger.assess(held(follows), state).plan.actions == ()
    ledger.now = OPENS
    actions = ledger.assess(held(follows), state).plan.actions
    assert [type(action) for action in actions] == [UpdateService]


def test_a_deletion_of_what_runs_waits_for_the_window() -> None:
    ledger = Ledger()
    state = running(ledger, NOTEBOOK)
    gone = Wanted(commit="d" * 40, platform=PLATFORM, namespaces=held(NOTEBOOK).namespaces)
    found = ledger.assess(gone, state)
    assert (found.steps, found.plan.actions) == ((), ())
    assert status_of(found, NOTEBOOK).phase is Phase.RUNNING
    ledger.now = OPENS
    found = ledger.assess(gone, state)
    assert [type(action) for action in found.plan.actions] == [RemoveService]


def test_a_higher_run_waits_until_the_one_that_runs_may_go() -> None:
    ledger = Ledger()
    state = running(ledger, NOTEBOOK)
    second = manifest(interactive(), name="book", run=2)
    found = ledger.assess(held(second), state)
    assert found.plan.actions == ()
    assert status_of(found, NOTEBOOK).phase is Phase.RUNNING
    status = status_of(found, second)
    assert (status.phase, status.reason) == (Phase.PENDING, OUTSIDE)
    assert status.next_try_at == OPENS


def test_a_run_that_is_held_ends_as_it_would_have() -> None:
    ledger, job = Ledger(), manifest(batch())
    state = running(ledger, job)
    done = replace(
        state, tasks=tuple(replace(t, state=TaskState.COMPLETE, exit_code=0) for t in state.tasks)
    )
    second = manifest(batch(), run=2)
    ledger.assess(held(second), state)
    found = ledger.assess(held(second), done)
    assert ledger.facts(job.uid)[-1] == "finished:Completed"
    assert status_of(found, second).phase is Phase.STARTING


def test_what_only_waits_is_edited_and_deleted_at_once() -> None:
    ledger = Ledger()
    large = manifest(batch(service(core=9, completes=True)))
    assert status_of(ledger.assess(held(large), observed()), large).phase is Phase.QUEUED
    small = manifest(batch())
    assert status_of(ledger.assess(held(small), observed()), small).phase is Phase.STARTING
    other = Ledger()
    other.assess(held(large), observed())
    other.assess(Wanted(commit="d" * 40, platform=PLATFORM), observed())
    assert other.facts(large.uid)[-1] == "cancelled:Deleted"


def test_starts_failures_and_retries_go_on() -> None:
    ledger, job = Ledger(), manifest(batch(retries=Retries(failure=1)))
    state = running(ledger, job)
    failed = replace(
        state, tasks=tuple(replace(t, state=TaskState.FAILED, exit_code=3) for t in state.tasks)
    )
    assert status_of(ledger.assess(held(job), failed), job).reason == "BackOff"
    ledger.later(minutes=1)
    assert status_of(ledger.assess(held(job), observed()), job).attempt == 2


def test_a_lifetime_is_kept() -> None:
    ledger = Ledger()
    book = manifest(interactive(lifetime_ms=60_000), name="book")
    state = running(ledger, book)
    ledger.later(minutes=2)
    ledger.assess(held(book), state)
    assert ledger.facts(book.uid)[-1] == "finished:LifetimeReached"


@pytest.mark.parametrize(
    ("now", "is_open"),
    [(OPENS - timedelta(seconds=1), False), (OPENS, True), (OPENS + timedelta(hours=1), False)],
)
def test_a_window_is_open_from_its_start_to_before_its_end(now: datetime, is_open: bool) -> None:
    assert (change_window.closed(PLATFORM, now=now) is None) is is_open


def test_without_windows_everything_may_change_at_any_time() -> None:
    assert change_window.closed(Platform(), now=NOW) is None


def test_windows_that_are_all_over_let_nothing_change_and_say_so() -> None:
    past = Window(duration_ms=60_000, start=NOW - timedelta(days=1))
    closed = change_window.closed(Platform(change_windows=(past,)), now=NOW)
    assert closed is not None
    assert closed.until is None
    assert "platform.yaml" in closed.message


@pytest.mark.parametrize("edit", EDITS)
def test_a_plan_shows_what_would_be_held(edit: str) -> None:
    ledger = Ledger()
    state = running(ledger, NOTEBOOK)
    (line,) = preview(
        held(NOTEBOOK),
        held(EDITS[edit]),
        memory=ledger.memory,
        cluster=Cluster(id="test", observed=state),
        host=HOST,
    ).lines
    assert (line.action, line.reason) == (ActionKind.HELD, HELD)


def test_a_plan_shows_that_a_deletion_would_be_held() -> None:
    ledger = Ledger()
    state = running(ledger, NOTEBOOK)
    cluster = Cluster(id="test", observed=state)
    gone = Wanted(commit="d" * 40, platform=PLATFORM)
    (line,) = preview(held(NOTEBOOK), gone, memory=ledger.memory, cluster=cluster, host=HOST).lines
    assert (line.action, line.reason) == (ActionKind.HELD, HELD)
