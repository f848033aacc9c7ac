"""The life of an execution, pass by pass, without any part of the outside."""

from __future__ import annotations

from dataclasses import replace

import pytest

from policy.model.execution import NodeId
from reconciler.converge.assess import assess
from reconciler.converge.plan import CreateService, UpdateService, Why
from reconciler.converge.state import (
    LABEL_APPLIED_HASH,
    TaskState,
)
from reconciler.converge.status import Phase
from reconciler.manifest.spec import After, Dependency, Retries, Volume
from tests.builders import (
    Ledger,
    batch,
    carried_out,
    interactive,
    manifest,
    names,
    observed,
    observed_node,
    resources,
    service,
    status_of,
    task,
    wanted,
)
from tests.unit.converge.passes import as_there, started, with_tasks


def test_a_new_manifest_is_admitted_and_created_in_one_pass() -> None:
    ledger, job = Ledger(), manifest(batch())
    found = ledger.assess(wanted(job), observed())
    assert ledger.facts(job.uid) == ["first_seen", "generation", "admitted", "attempt_intended"]
    assert names(found.plan.actions) == ["CreateNetwork", "CreateService"]
    assert status_of(found, job).phase is Phase.STARTING


def test_a_plan_carried_out_leaves_nothing_to_plan() -> None:
    ledger, job = Ledger(), manifest(interactive(service(core=2)))
    found = ledger.assess(wanted(job), observed())
    state = with_tasks(as_there(found, observed()), TaskState.RUNNING)
    assert ledger.assess(wanted(job), state).plan.actions == ()
    again = ledger.assess(wanted(job), state)
    assert (again.steps, again.plan.actions) == ((), ())


def test_a_batch_that_exits_with_0_succeeds_and_its_service_lingers_for_its_logs() -> None:
    ledger, job = Ledger(), manifest(batch())
    state = started(ledger, job)
    done = with_tasks(state, TaskState.COMPLETE, exit_code=0)
    found = ledger.assess(wanted(job), done)
    assert ledger.facts(job.uid)[-2:] == ["attempt_ended:Completed", "finished:Completed"]
    assert [uid for uid, _ in found.harvest] == [job.uid]
    assert status_of(found, job).phase is Phase.SUCCEEDED
    assert found.plan.actions == ()
    ledger.later(seconds=61)
    assert names(ledger.assess(wanted(job), done).plan.actions) == ["RemoveService"]


def test_a_finished_service_stays_until_its_result_is_published() -> None:
    ledger, job = Ledger(), manifest(batch())
    state = with_tasks(started(ledger, job), TaskState.COMPLETE, exit_code=0)
    ledger.assess(wanted(job), state)
    ledger.later(hours=1)
    ledger.memory = replace(ledger.memory, published_seq=0)
    assert ledger.assess(wanted(job), state).plan.actions == ()


def test_a_failed_batch_is_tried_again_as_often_as_its_manifest_says() -> None:
    ledger = Ledger()
    job = manifest(batch(retries=Retries(failure=1)))
    failed = with_tasks(started(ledger, job), TaskState.FAILED, exit_code=3)
    first = ledger.assess(wanted(job), failed)
    assert status_of(first, job).reason == "BackOff"
    assert names(first.plan.actions) == ["RemoveService"]
    ledger.later(seconds=10)
    second = ledger.assess(wanted(job), observed())
    (create,) = [a for a in second.plan.actions if isinstance(a, CreateService)]
    assert "-a2-" in create.spec.name
    state = with_tasks(as_there(second, observed()), TaskState.FAILED, exit_code=3)
    last = status_of(ledger.assess(wanted(job), state), job)
    assert (last.phase, last.reason, last.exit_code) == (Phase.FAILED, "NonZeroExit", 3)
    assert last.message == "failed with exit code 3 after 2 attempts; raise run to start it again"


def test_exit_codes_that_make_no_sense_to_retry_end_it_at_once() -> None:
    ledger = Ledger()
    job = manifest(batch(retries=Retries(failure=5, no_retry=(2,))))
    failed = with_tasks(started(ledger, job), TaskState.FAILED, exit_code=2)
    assert status_of(ledger.assess(wanted(job), failed), job).phase is Phase.FAILED


def test_a_lost_node_starts_the_gang_again_elsewhere() -> None:
    ledger, job = Ledger(), manifest(interactive())
    state = started(ledger, job)
    node = state.services[0].spec.node
    lost = replace(state, nodes=(observed_node(node, is_ready=False), observed_node("n2")))
    found = ledger.assess(wanted(job), lost)
    assert "attempt_ended:NodeLost" in ledger.facts(job.uid)
    assert names(found.plan.actions) == ["RemoveService"]
    gone = replace(lost, services=(), tasks=())
    again = ledger.assess(wanted(job), gone)
    (create,) = [a for a in again.plan.actions if isinstance(a, CreateService)]
    assert create.spec.node == "n2"


def test_what_runs_on_a_node_that_may_only_look_lost_goes_on() -> None:
    ledger, book, job = Ledger(), manifest(interactive(), name="book"), manifest(batch())
    state = started(ledger, book, job)
    away = tuple(replace(node, is_ready=False, is_awaited=True) for node in state.nodes)
    found = ledger.assess(wanted(book, job), replace(state, nodes=away))
    assert names(found.plan.actions) == []
    told = [fact for uid in (book.uid, job.uid) for fact in ledger.facts(uid)]
    assert [fact for fact in told if fact.startswith("attempt_ended")] == []


@pytest.mark.parametrize(
    ("state", "is_cut_off", "reason"),
    [
        (TaskState.SHUTDOWN, True, "NodeLost"),
        (TaskState.SHUTDOWN, False, "NodeLost"),  # nobody had watched when its node was away
        (TaskState.FAILED, True, "NodeLost"),
        (TaskState.FAILED, False, "NonZeroExit"),
    ],
)
def test_a_batch_that_the_swarm_stopped_when_its_node_came_back_has_lost_its_node(
    state: TaskState, *, is_cut_off: bool, reason: str
) -> None:
    ledger, job = Ledger(), manifest(batch())
    found = with_tasks(started(ledger, job), state, exit_code=137, is_cut_off=is_cut_off)
    ledger.assess(wanted(job), found)
    assert f"attempt_ended:{reason}" in ledger.facts(job.uid)


def test_a_batch_that_couldnt_be_started_has_not_run_and_is_tried_again() -> None:
    ledger, job = Ledger(), manifest(batch())
    state = as_there(ledger.assess(wanted(job), observed()), observed())
    told = "starting container failed: error creating vxlan interface: file exists"
    ledger.assess(wanted(job), with_tasks(state, TaskState.FAILED, exit_code=128, error=told))
    assert ledger.facts(job.uid)[-1] == "attempt_ended:Rejected"
    ledger.later(minutes=5)
    ledger.assess(wanted(job), replace(state, services=(), tasks=()))
    assert ledger.facts(job.uid)[-1] == "attempt_intended"


def test_a_service_removed_by_hand_comes_back_unless_it_would_run_a_batch_twice() -> None:
    ledger, book, job = Ledger(), manifest(interactive(), name="book"), manifest(batch())
    state = started(ledger, book, job)
    gone = replace(state, services=(), tasks=())
    found = ledger.assess(wanted(book, job), gone)
    created = [
        a.spec.labels["zoe.execution"] for a in found.plan.actions if isinstance(a, CreateService)
    ]
    assert "book" in created
    assert "attempt_ended:Removed" in ledger.facts(job.uid)


def test_drift_is_repaired_and_a_changed_scale_too() -> None:
    ledger, book = Ledger(), manifest(interactive(service(core=2)))
    state = started(ledger, book)
    (mine,) = state.services
    by_hand = replace(mine, spec=replace(mine.spec, environment=(("EVIL", "1"),)))
    (action,) = ledger.assess(wanted(book), replace(state, services=(by_hand,))).plan.actions
    assert isinstance(action, UpdateService)
    assert (action.why, action.spec.environment) == (Why.DRIFT, mine.spec.environment)
    scaled = replace(mine, spec=replace(mine.spec, replicas=5))
    (action,) = ledger.assess(wanted(book), replace(state, services=(scaled,))).plan.actions
    assert isinstance(action, UpdateService)
    assert (action.why, action.spec.replicas) == (Why.SCALE, 2)


def test_another_rendering_of_the_same_meaning_touches_nothing() -> None:
    """An upgrade of Zoe that renders a service otherwise must not restart it."""
    ledger, book = Ledger(), manifest(interactive())
    state = started(ledger, book)
    (mine,) = state.services
    older = replace(mine.spec, environment=(), stop_grace_ms=1)
    older = replace(older, labels={**older.labels, LABEL_APPLIED_HASH: older.applied_hash})
    state = replace(state, services=(replace(mine, spec=older),))
    assert ledger.assess(wanted(book), state).plan.actions == ()


def test_a_dependent_starts_after_its_predecessor_succeeded_and_fails_if_it_never_can() -> None:
    ledger, first = Ledger(), manifest(batch(), name="first")
    second = manifest(batch(after=(After(name="first"),)), name="second")
    found = ledger.assess(wanted(first, second), observed())
    assert status_of(found, second).reason == "DependencyNotReady"
    state = as_there(found, observed())
    failed = with_tasks(state, TaskState.FAILED, exit_code=1)
    ledger.assess(wanted(first, second), failed)
    found = ledger.assess(wanted(first, second), failed)
    assert status_of(found, second).reason == "DependencyFailed"


def test_an_authors_labels_are_on_the_containers_and_never_on_the_service() -> None:
    book = manifest(interactive(service(labels=(("course", "aml"),))))
    found = Ledger().assess(wanted(book), observed())
    (create,) = [a for a in found.plan.actions if isinstance(a, CreateService)]
    assert create.spec.container_labels == (("course", "aml"),)
    assert "course" not in create.spec.labels


def test_a_service_waits_until_what_it_depends_on_is_up() -> None:
    ledger = Ledger()
    parts = (service("db"), service("app", depends_on=(Dependency(service="db"),)))
    book = manifest(interactive(*parts))
    found = ledger.assess(wanted(book), observed())
    created = [
        a.spec.labels["zoe.component"] for a in found.plan.actions if isinstance(a, CreateService)
    ]
    assert created == ["db"]
    assert status_of(found, book).message == "starts once db is up"
    up = with_tasks(as_there(found, observed()), TaskState.RUNNING)
    found = ledger.assess(wanted(book), up)
    created = [
        a.spec.labels["zoe.component"] for a in found.plan.actions if isinstance(a, CreateService)
    ]
    assert created == ["app"]


def test_a_missing_image_ends_the_start_after_three_tries() -> None:
    ledger, book = Ledger(), manifest(interactive())
    for _ in range(3):
        found = ledger.assess(wanted(book), observed())
        state = with_tasks(
            as_there(found, observed()), TaskState.REJECTED, error="No such image: busybox:latest"
        )
        found = ledger.assess(wanted(book), state)
        ledger.later(minutes=6)
    last = status_of(found, book)
    assert (last.phase, last.reason) == (Phase.FAILED, "ImageUnavailable")


def test_local_storage_keeps_a_namespace_on_the_node_of_first_use() -> None:
    ledger = Ledger()
    volume = Volume(type="workspace", target="/work")
    book = manifest(interactive(service(volumes=(volume,))))
    cluster = (observed_node("n1", cpus=2), observed_node("n2", cpus=2))
    found = ledger.assess(wanted(book), observed(*cluster))
    (init,) = [a.spec for a in found.plan.actions if isinstance(a, CreateService)]
    home = init.node
    assert init.name.startswith("init-aml-workspace-")
    full = observed_node(home, cpus=2, is_active=False)
    other = next(n for n in cluster if n.id != home)
    second = manifest(interactive(service(volumes=(volume,))), name="second")
    found = ledger.assess(wanted(book, second), observed(full, other))
    waiting = status_of(found, second)
    assert waiting.phase is Phase.QUEUED
    assert f"{other.hostname} doesn't hold the namespace's storage" in waiting.message


def test_a_request_larger_than_any_node_says_so_and_blocks_nobody() -> None:
    ledger = Ledger()
    giant = manifest(batch(service(reservations=resources(cpus=64), completes=True)), name="giant")
    found = ledger.assess(wanted(giant, manifest(batch())), observed())
    assert status_of(found, giant).reason == "NeverFits"
    assert "CreateService" in names(found.plan.actions)


def test_an_unknown_service_with_our_labels_is_reported_not_removed() -> None:
    ledger, book = Ledger(), manifest(interactive())
    state = started(ledger, book)
    (mine,) = state.services
    labels = {**mine.spec.labels, "zoe.uid": "f" * 16}
    orphan = replace(mine, id="x", spec=replace(mine.spec, name="orphan", labels=labels))
    found = ledger.assess(wanted(book), replace(state, services=(mine, orphan)))
    assert found.plan.actions == ()
    assert [note.reason for note in found.plan.notes] == ["Orphan"]


def test_a_name_taken_by_somebody_else_is_a_note_not_a_fight() -> None:
    ledger, book = Ledger(), manifest(interactive())
    first = ledger.assess(wanted(book), observed())
    (create,) = [a for a in first.plan.actions if isinstance(a, CreateService)]
    state = observed(foreign_names=frozenset({create.spec.name}))
    found = ledger.assess(wanted(book), state)
    assert [note.reason for note in found.plan.notes] == ["NameConflict"]


def test_a_stack_name_of_somebody_else_is_left_to_them() -> None:
    ledger, book = Ledger(), manifest(interactive())
    state = observed(foreign_stacks=frozenset({"zoe-test-aml-job"}))
    found = ledger.assess(wanted(book), state)
    assert "CreateService" not in names(found.plan.actions)
    assert status_of(found, book).message.startswith("a stack of somebody else is called")


def test_nothing_is_deleted_before_a_second_equal_look() -> None:
    ledger, book, other = Ledger(), manifest(interactive()), manifest(batch(), name="other")
    state = started(ledger, book, other)
    found = ledger.assess(wanted(other), state, may_delete=False)
    assert "RemoveService" not in names(found.plan.actions)


def test_observing_only_starts_nothing() -> None:
    ledger, book = Ledger(), manifest(interactive())
    found = ledger.assess(wanted(book), observed(), may_start=False)
    assert ledger.facts(book.uid) == ["first_seen", "generation"]
    assert found.plan.actions == ()


def test_a_gang_whose_room_never_comes_free_is_rolled_back_and_queues_again() -> None:
    ledger, job = Ledger(), manifest(interactive(service(reservations=resources(cpus=3))))
    stuck = task("theirs", desired_state=TaskState.REMOVE, reservations=resources(cpus=3))
    state = observed(tasks=(stuck,))
    found = ledger.assess(wanted(job), state)
    assert "CreateService" not in names(found.plan.actions)
    found = ledger.assess(wanted(job), state)
    waiting = status_of(found, job)
    assert (waiting.phase, waiting.reason) == (Phase.STARTING, "MakingRoom")
    ledger.later(minutes=11)
    found = ledger.assess(wanted(job), state)
    assert ledger.facts(job.uid)[-1] == "attempt_ended:StartTimeout"
    assert status_of(found, job).reason == "BackOff"


def test_a_completing_batch_grows_no_more_and_isnt_held_up_by_what_is_to_come() -> None:
    ledger = Ledger()
    job = manifest(batch(service(core=1, maximum=2, completes=True)))
    stuck = task("theirs", node=NodeId("n2"), desired_state=TaskState.REMOVE)
    state = observed(observed_node("n1", cpus=1), observed_node("n2", cpus=1), tasks=(stuck,))
    found = ledger.assess(wanted(job), state)
    assert sum(group.count for group in found.placements[job.uid]) == 2
    there = as_there(found, state)
    assert len(there.services) == 1
    up = with_tasks(there, TaskState.RUNNING)
    up = replace(up, tasks=(*up.tasks, stuck))
    assert ledger.assess(wanted(job), up).plan.actions == ()
    done = with_tasks(there, TaskState.COMPLETE, exit_code=0)
    found = ledger.assess(wanted(job), replace(done, tasks=(*done.tasks, stuck)))
    assert status_of(found, job).phase is Phase.SUCCEEDED


def test_who_isnt_asked_about_is_decided_on_all_the_same() -> None:
    ledger = Ledger()
    book, other = (manifest(interactive(service()), name=name) for name in ("book", "other"))
    state = started(ledger, book)
    world = ledger.world(wanted(book, other), state)
    whole = assess(world)
    part = assess(replace(world, tells=frozenset({other.uid})))
    assert part.records == whole.records
    assert part.steps == whole.steps
    assert (part.snapshot, part.decision, part.held) == (whole.snapshot, whole.decision, whole.held)
    assert part.statuses == tuple(status for status in whole.statuses if status.name == "other")


def test_a_snapshot_shares_with_the_last_one_what_is_the_same() -> None:
    ledger = Ledger()
    book, other = (manifest(interactive(service()), name=name) for name in ("book", "other"))
    first = assess(ledger.world(wanted(book), observed()))
    second = assess(replace(ledger.world(wanted(book, other), observed()), last=first))
    (same,) = (e for e in second.snapshot.executions if e.name == "book")
    assert same is first.snapshot.executions[0]
    assert second.snapshot == assess(ledger.world(wanted(book, other), observed())).snapshot


def test_services_of_what_was_never_started_are_nobodys_to_remove() -> None:
    """As after a rebuild that didn't know whose they are: somebody's work may be in them."""
    book = manifest(interactive())
    before = Ledger()
    state = observed()
    for _ in range(3):
        state = carried_out(before.assess(wanted(book), state), state)
    assert state.services
    after = Ledger()
    for _ in range(3):
        found = after.assess(wanted(book), state)
        assert found.plan.actions == ()
        assert {note.reason for note in found.plan.notes} == {"Orphan"}
    assert status_of(found, book).reason == "PreviousRunEnding"
