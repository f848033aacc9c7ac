"""What becomes of a live execution whose file is edited, deleted or suspended."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconciler.converge.assess import assess
from reconciler.converge.edits import Edit, classify
from reconciler.converge.plan import CreateService, RemoveService, UpdateService, Why
from reconciler.converge.state import TaskState
from reconciler.converge.status import Phase
from reconciler.manifest.idle import Idle, Probe
from reconciler.manifest.spec import Manifest, UpdateMode
from tests.builders import (
    Ledger,
    batch,
    interactive,
    manifest,
    names,
    observed,
    service,
    status_of,
    wanted,
)
from tests.unit.converge.passes import as_there, started, there, with_tasks


def test_an_edit_of_the_zapp_reaches_a_live_execution_only_when_it_asks_for_it() -> None:
    ledger, spec = Ledger(), interactive()
    book = manifest(spec, document_hash="same")
    state = started(ledger, book)
    newer = interactive(service(image="busybox:2"))
    edited = manifest(newer, document_hash="same")
    found = ledger.assess(wanted(edited), state)
    assert found.plan.actions == ()
    assert "Outdated" in {c.type for c in status_of(found, edited).conditions}
    following = replace(edited, update=UpdateMode.AUTO)
    (action,) = ledger.assess(wanted(following), state).plan.actions
    assert isinstance(action, UpdateService)
    assert action.why is Why.ROLLING


@pytest.mark.parametrize(
    "edit",
    [
        {"idle": Idle(after_ms=60_000, probe=Probe(type="jupyter", service="main", port="web"))},
        {"logs_kept_in": "workspace"},
    ],
)
def test_an_edit_of_when_it_ends_idle_or_of_its_logs_is_in_place(edit: dict[str, Any]) -> None:
    spec = interactive()
    assert classify(spec, replace(spec, **edit)) is Edit.IN_PLACE


def test_an_edit_in_place_restarts_nobody() -> None:
    ledger = Ledger()
    state = started(ledger, manifest(interactive()))
    edited = manifest(interactive(lifetime_ms=3_600_000))
    found = ledger.assess(wanted(edited), state)
    assert ledger.facts(edited.uid)[-1] == "generation"
    assert found.plan.actions == ()


def test_a_rolling_edit_updates_the_service_under_its_name() -> None:
    ledger = Ledger()
    state = started(ledger, manifest(interactive()))
    found = ledger.assess(wanted(manifest(interactive(service(image="b:2")))), state)
    (action,) = found.plan.actions
    assert isinstance(action, UpdateService)
    assert (action.spec.image, action.spec.name) == ("b:2", state.services[0].spec.name)


def test_a_failed_rolling_edit_is_held_and_the_last_good_one_goes_on() -> None:
    ledger = Ledger()
    book = manifest(interactive())
    state = started(ledger, book)
    typo = manifest(interactive(service(image="nope")))
    (update,) = ledger.assess(wanted(typo), state).plan.actions
    assert isinstance(update, UpdateService)
    (mine,) = state.services
    updated = replace(state, services=(replace(there(update.spec), id=mine.id),))
    rejected = with_tasks(updated, TaskState.REJECTED, error="No such image: nope")
    found = ledger.assess(wanted(typo), rejected)
    assert ledger.facts(book.uid)[-1] == "held:UpdateFailed"
    (back,) = found.plan.actions
    assert isinstance(back, UpdateService)
    assert (back.spec.image, back.spec.name) == ("busybox", mine.spec.name)
    held = [c.reason for c in status_of(found, typo).conditions if c.type == "Held"]
    assert held == ["UpdateFailed"]
    restored = replace(state, tasks=rejected.tasks)
    assert ledger.assess(wanted(typo), restored).steps == ()
    fixed = manifest(interactive(service(image="b:3")))
    (action,) = ledger.assess(wanted(fixed), state).plan.actions
    assert isinstance(action, UpdateService)
    assert action.spec.image == "b:3"


def test_what_a_held_edit_keeps_can_be_suspended_and_resumed() -> None:
    ledger, book = Ledger(), manifest(interactive())
    state = started(ledger, book)
    typo = manifest(interactive(service(image="nope")))
    (update,) = ledger.assess(wanted(typo), state).plan.actions
    assert isinstance(update, UpdateService)
    updated = replace(state, services=(replace(there(update.spec), id=state.services[0].id),))
    rejected = with_tasks(updated, TaskState.REJECTED, error="No such image: nope")
    ledger.assess(wanted(typo), rejected)
    ledger.assess(wanted(replace(typo, suspend=True)), state)
    found = ledger.assess(wanted(typo), observed())
    (create,) = [a for a in found.plan.actions if isinstance(a, CreateService)]
    assert create.spec.image == "busybox"


def test_an_edit_of_an_admitted_batch_waits_for_a_higher_run() -> None:
    ledger = Ledger()
    state = started(ledger, manifest(batch()))
    edited = manifest(batch(service(completes=True, image="b:2")))
    found = ledger.assess(wanted(edited), state)
    assert (found.plan.actions, found.steps) == ((), ())
    held = [c for c in status_of(found, edited).conditions if c.type == "Held"]
    assert [c.reason for c in held] == ["RunMustRise"]


def test_a_higher_run_takes_over_once_the_lower_one_is_gone() -> None:
    ledger, first = Ledger(), manifest(interactive())
    state = started(ledger, first)
    second = manifest(interactive(), run=2)
    found = ledger.assess(wanted(second), state)
    assert ledger.facts(first.uid)[-1] == "cancelled:Superseded"
    assert names(found.plan.actions) == ["RemoveService"]
    assert status_of(found, second).reason == "PreviousRunEnding"
    found = ledger.assess(wanted(second), observed())
    assert "CreateService" in names(found.plan.actions)


@pytest.mark.parametrize(
    "next_", [manifest(interactive(), run=2), manifest(batch())], ids=["run", "edit"]
)
def test_nothing_takes_over_from_what_an_older_reading_may_lack(next_: Manifest) -> None:
    ledger, first = Ledger(), manifest(interactive())
    state = started(ledger, first)
    found = ledger.assess(wanted(next_), observed())
    assert "CreateService" not in names(found.plan.actions)
    assert status_of(found, next_).reason == "PreviousRunEnding"
    assert names(ledger.assess(wanted(next_), state).plan.actions) == ["RemoveService"]
    assert "CreateService" in names(ledger.assess(wanted(next_), observed()).plan.actions)


def test_a_preview_starts_a_higher_run_no_sooner_than_a_pass_does() -> None:
    ledger = Ledger()
    first, second = manifest(interactive()), manifest(interactive(), run=2)
    state = with_tasks(started(ledger, first), TaskState.RUNNING)
    found = assess(ledger.world(wanted(second), observed(), attempts_are_as_recorded=True))
    assert status_of(found, second).reason == "PreviousRunEnding"
    assert status_of(found, second) == status_of(ledger.assess(wanted(second), state), second)


def test_a_lower_run_is_held_and_stops_nothing() -> None:
    ledger, second = Ledger(), manifest(interactive(), run=2)
    state = started(ledger, second)
    found = ledger.assess(wanted(manifest(interactive(), run=1)), state)
    assert found.plan.actions == ()
    assert found.held[second.uid][0] == "RunWentBack"


def test_a_deleted_file_stops_its_execution_and_its_return_starts_a_notebook_anew() -> None:
    ledger, book, other = Ledger(), manifest(interactive()), manifest(batch(), name="other")
    state = started(ledger, book, other)
    found = ledger.assess(wanted(other), state)
    assert ledger.facts(book.uid)[-1] == "cancelled:Deleted"
    (remove,) = [a for a in found.plan.actions if isinstance(a, RemoveService)]
    assert remove.uid == book.uid
    back = ledger.assess(wanted(book, other), observed())
    created = [a.spec.name for a in back.plan.actions if isinstance(a, CreateService)]
    assert any("-g2-" in name for name in created)


@pytest.mark.parametrize("ended", [True, False])
def test_a_cancelled_batch_that_returns_is_not_run_again(*, ended: bool) -> None:
    ledger, job, other = Ledger(), manifest(batch()), manifest(interactive(), name="other")
    state = started(ledger, job, other)
    if ended:
        ledger.assess(wanted(job, other), with_tasks(state, TaskState.COMPLETE, exit_code=0))
    ledger.assess(wanted(other), state)
    found = ledger.assess(wanted(job, other), observed())
    created = [
        a.spec.labels["zoe.execution"] for a in found.plan.actions if isinstance(a, CreateService)
    ]
    assert created == ["other"]


def test_deletes_of_a_held_commit_stop_nothing() -> None:
    ledger, book = Ledger(), manifest(interactive())
    state = started(ledger, book)
    found = ledger.assess(wanted(tree_is_empty=True), state)
    assert found.plan.actions == ()
    assert status_of(found, book).phase is Phase.RUNNING
    assert status_of(found, book).reason == "MassDelete"


def test_what_a_hold_keeps_goes_on_starting_and_ending() -> None:
    ledger, job = Ledger(), manifest(batch())
    state = as_there(ledger.assess(wanted(job), observed()), observed())
    up = with_tasks(state, TaskState.RUNNING)
    found = ledger.assess(wanted(tree_is_empty=True), up)
    assert (ledger.facts(job.uid)[-1], status_of(found, job).phase) == (
        "attempt_started",
        Phase.RUNNING,
    )
    done = with_tasks(state, TaskState.COMPLETE, exit_code=0)
    found = ledger.assess(wanted(tree_is_empty=True), done)
    assert ledger.facts(job.uid)[-1] == "finished:Completed"
    assert len(found.harvest) == 1


def test_suspending_frees_everything_and_pauses_the_lifetime() -> None:
    ledger = Ledger()
    book = manifest(interactive(lifetime_ms=3_600_000))
    state = started(ledger, book)
    ledger.later(minutes=40)
    asleep = replace(book, suspend=True)
    found = ledger.assess(wanted(asleep), state)
    assert names(found.plan.actions) == ["RemoveService"]
    assert status_of(found, book).phase is Phase.TERMINATING
    ledger.later(hours=10)
    found = ledger.assess(wanted(asleep), observed())
    assert status_of(found, book).phase is Phase.SUSPENDED
    found = ledger.assess(wanted(book), observed())
    state = with_tasks(as_there(found, observed()), TaskState.RUNNING)
    ledger.assess(wanted(book), state)
    ledger.later(minutes=19)
    assert status_of(ledger.assess(wanted(book), state), book).phase is Phase.RUNNING
    ledger.later(minutes=2)
    ended = status_of(ledger.assess(wanted(book), state), book)
    assert ended.reason == "LifetimeReached"
