"""What an operator holds stays as it is, whatever Git asks for, and catches up once released."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler import canonical
from reconciler.converge import mirror, publication
from reconciler.converge.ledger import HELD_BY_OPERATOR, Fact, Record, fold
from reconciler.converge.plan import Action, CreateService, RemoveService, UpdateService
from reconciler.converge.state import LABEL_UID, ObservedState, TaskState
from reconciler.converge.status import Phase, Status, document
from reconciler.converge.world import Assessment, HoldRequest, Identity, Memory, Wanted
from reconciler.manifest.platform import Platform
from reconciler.manifest.spec import Manifest, Overlap, Retries, Schedule, UpdateMode
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
    observed_node,
    service,
    status_of,
    wanted,
)

WHY = "held by ann: the forge is down"
BOOK = manifest(interactive(service(maximum=3)), name="book")
OTHER = manifest(interactive(), name="other")
NIGHTLY = Schedule(cron="0 2 * * *", timezone="UTC", overlap=Overlap.ALLOW, keep=3)

CHANGES: dict[str, tuple[Manifest, ...]] = {
    "image": (manifest(interactive(service(image="newer", maximum=3)), name="book"),),
    "placement": (manifest(interactive(service(max_per_node=1)), name="book"),),
    "range": (manifest(interactive(service(maximum=9)), name="book"),),
    "lifetime": (manifest(interactive(service(maximum=3), lifetime_ms=1), name="book"),),
    "suspend": (replace(BOOK, suspend=True),),
    "rerun": (manifest(BOOK.spec, name="book", run=2),),
    "zapp": (
        replace(
            manifest(interactive(service(image="newer")), name="book", update=UpdateMode.AUTO),
            document_hash=BOOK.document_hash,
        ),
    ),
    "schedule": (replace(BOOK, schedule=NIGHTLY),),
    "deleted": (),
    "nothing": (BOOK,),
    "urgent": (
        BOOK,
        manifest(interactive(service(core=9), priority_value=9_000), name="urgent"),
    ),
}


def asked(**fields: object) -> HoldRequest:
    base = HoldRequest(namespace="aml", name="book", by="ann", told="the forge is down", at=NOW)
    return replace(base, **fields)  # type: ignore[arg-type]


def ask(ledger: Ledger, request: HoldRequest) -> None:
    requests = {**ledger.memory.hold_requests, (request.namespace, request.name): request}
    ledger.memory = replace(ledger.memory, hold_requests=requests)


def release(ledger: Ledger, name: str = "book") -> None:
    ask(ledger, asked(name=name, told="", by="bob", at=ledger.now, is_release=True))


def nodes() -> ObservedState:
    return observed(observed_node("n1"), observed_node("n2"))


def running(ledger: Ledger, *jobs: Manifest, state: ObservedState | None = None) -> ObservedState:
    state = state or nodes()
    state = carried_out(ledger.assess(wanted(*jobs), state), state)
    assert status_of(ledger.assess(wanted(*jobs), state), jobs[0]).phase is Phase.RUNNING
    return state


def of(job: Manifest, found: Assessment) -> list[Action]:
    """What a plan does to one execution's services."""
    return [
        action
        for action in found.plan.actions
        if isinstance(action, CreateService | UpdateService | RemoveService)
        and job.uid
        == (action.uid if isinstance(action, RemoveService) else action.spec.labels[LABEL_UID])
    ]


def condition(status: Status) -> tuple[str, str]:
    (found,) = [c for c in status.conditions if c.type == "Held"]
    return found.reason, found.message


def test_a_hold_is_entered_once_and_told() -> None:
    ledger = Ledger()
    state = running(ledger, BOOK)
    ask(ledger, asked())
    found = ledger.assess(wanted(BOOK), state)
    (step,) = found.steps
    assert (step.entry.fact, step.entry.reason) == (Fact.HELD, HELD_BY_OPERATOR)
    assert (step.entry.by, step.entry.told, step.message) == ("ann", "the forge is down", WHY)
    status = status_of(found, BOOK)
    assert (status.phase, condition(status)) == (Phase.RUNNING, (HELD_BY_OPERATOR, WHY))
    again = ledger.assess(wanted(BOOK), state)
    assert (again.steps, again.plan.actions, again.held) == ((), (), {})


@given(st.lists(st.sampled_from(sorted(CHANGES)), min_size=1, max_size=4))
@settings(max_examples=60, deadline=None)
def test_nothing_that_git_asks_for_touches_what_runs_and_is_held(changes: list[str]) -> None:
    ledger = Ledger()
    state = running(ledger, BOOK, OTHER)
    ask(ledger, asked())
    before = ledger.facts(BOOK.uid)
    for change in changes:
        ledger.later(minutes=20)
        platform = Platform(policy=replace(Platform().policy, entry_penalty_ms=0))
        found = ledger.assess(wanted(*CHANGES[change], OTHER, platform=platform), state)
        assert of(BOOK, found) == []
        assert {type(a) for a in found.plan.actions} <= {CreateService}
        state = carried_out(found, state)
    assert ledger.facts(BOOK.uid) == [*before, f"held:{HELD_BY_OPERATOR}"]
    assert not any(isinstance(e, CreateService) for e in of(CHANGES["rerun"][0], found))


@given(st.lists(st.sampled_from(sorted(CHANGES)), min_size=1, max_size=3))
@settings(max_examples=60, deadline=None)
def test_after_the_release_a_pass_does_what_it_would_have_done_unheld(changes: list[str]) -> None:
    """What Git said meanwhile is of no consequence but for its last word."""
    last = wanted(*CHANGES[changes[-1]], OTHER)
    ours, theirs = Ledger(), Ledger()
    state = running(ours, BOOK, OTHER)
    running(theirs, BOOK, OTHER)
    ask(ours, asked())
    for change in changes[:-1]:
        # A rerun and a schedule are seen while it is held; what only those saw is compared below.
        kept = CHANGES[change] if change not in ("rerun", "schedule", "urgent") else (BOOK,)
        ours.assess(wanted(*kept, OTHER), state)
    ours.assess(wanted(BOOK, OTHER), state)
    release(ours)
    found, expected = ours.assess(last, state), theirs.assess(last, state)
    assert found.steps[0].entry.fact is Fact.RELEASED
    assert [s for s in found.steps if s.entry.fact is not Fact.RELEASED] == list(expected.steps)
    assert found.plan == expected.plan
    assert found.held == {}


def test_what_waits_isnt_started_until_it_is_released() -> None:
    ledger = Ledger()
    ask(ledger, asked())
    found = ledger.assess(wanted(BOOK), nodes())
    status = status_of(found, BOOK)
    assert (status.phase, status.reason, status.message) == (Phase.PENDING, HELD_BY_OPERATOR, WHY)
    assert found.plan.actions == ()
    assert ledger.assess(wanted(BOOK), nodes()).plan.actions == ()
    assert ledger.facts(BOOK.uid).count(f"held:{HELD_BY_OPERATOR}") == 1
    release(ledger)
    assert status_of(ledger.assess(wanted(BOOK), nodes()), BOOK).phase is Phase.STARTING
    ledger.assess(wanted(BOOK), nodes())
    assert ledger.facts(BOOK.uid).count("released") == 1


def test_what_waits_is_neither_edited_nor_cancelled_nor_timed_out() -> None:
    ledger = Ledger()
    large = manifest(batch(service(core=99, completes=True), queue_timeout_ms=1), name="book")
    ledger.assess(wanted(large), nodes())
    ask(ledger, asked())
    ledger.assess(wanted(large), nodes())
    before = ledger.facts(large.uid)
    ledger.later(hours=1)
    small = manifest(batch(), name="book")
    status = status_of(ledger.assess(wanted(small), nodes()), small)
    assert condition(status) == (HELD_BY_OPERATOR, f"waits for zoe release: {WHY}")
    status = status_of(ledger.assess(wanted(OTHER), nodes()), large)
    assert (status.phase, status.reason) == (Phase.PENDING, HELD_BY_OPERATOR)
    assert ledger.facts(large.uid) == before


def test_a_retry_isnt_begun() -> None:
    ledger, job = Ledger(), manifest(batch(retries=Retries(failure=3)), name="book")
    state = running(ledger, job)
    ask(ledger, asked())
    tasks = tuple(replace(t, state=TaskState.FAILED, exit_code=3) for t in state.tasks)
    ledger.assess(wanted(job), replace(state, tasks=tasks))
    ledger.later(hours=1)
    found = ledger.assess(wanted(job), nodes())
    assert status_of(found, job).reason == HELD_BY_OPERATOR
    assert [type(a) for a in found.plan.actions if not isinstance(a, RemoveService)] == []
    release(ledger)
    assert status_of(ledger.assess(wanted(job), nodes()), job).attempt == 2


def test_what_an_attempt_needs_is_kept_up() -> None:
    ledger = Ledger()
    state = running(ledger, BOOK)
    ask(ledger, asked())
    there = [replace(s, spec=replace(s.spec, image="by-hand")) for s in state.services]
    found = ledger.assess(wanted(), replace(state, services=tuple(there)))
    assert {type(action) for action in of(BOOK, found)} == {UpdateService}
    bare = replace(state, services=(), tasks=())
    assert {type(a) for a in of(BOOK, ledger.assess(wanted(), bare))} == {CreateService}


def test_a_lifetime_goes_on_and_ends_it() -> None:
    ledger, book = Ledger(), manifest(interactive(lifetime_ms=60_000), name="book")
    state = running(ledger, book)
    ask(ledger, asked())
    ledger.later(minutes=2)
    found = ledger.assess(wanted(book), state)
    assert ledger.facts(book.uid)[-1] == "finished:LifetimeReached"
    assert {type(action) for action in of(book, found)} == {RemoveService}
    rerun = manifest(interactive(), name="book", run=2)
    status = status_of(ledger.assess(wanted(rerun), nodes()), rerun)
    assert (status.phase, status.reason) == (Phase.PENDING, HELD_BY_OPERATOR)


def test_neither_a_higher_class_nor_a_lack_of_room_takes_anything_from_it() -> None:
    ledger = Ledger()
    low = manifest(
        interactive(service(maximum=9), is_preemptible=True, is_filler=True, priority_value=-100),
        name="book",
    )
    state = running(ledger, low, state=observed())
    ask(ledger, asked())
    high = manifest(interactive(service(core=3), priority_value=1_000), name="high")
    found = ledger.assess(wanted(low, high), state)
    assert of(low, found) == []
    assert status_of(found, high).phase is Phase.QUEUED
    release(ledger)
    assert of(low, ledger.assess(wanted(low, high), state)) != []


def test_it_gets_no_more_replicas() -> None:
    ledger = Ledger()
    state = running(ledger, manifest(interactive(service(maximum=9)), name="book"))
    more = replace(state, nodes=(*state.nodes, observed_node("n3"), observed_node("n4")))
    ask(ledger, asked())
    job = manifest(interactive(service(maximum=9)), name="book")
    found = ledger.assess(wanted(job), more)
    assert found.placements == {}
    (elastic,) = [c for c in status_of(found, job).conditions if c.type == "ElasticSatisfied"]
    assert elastic.reason == HELD_BY_OPERATOR
    release(ledger)
    assert ledger.assess(wanted(job), more).placements != {}


def test_a_held_schedule_begins_no_run_and_makes_the_newest_up() -> None:
    ledger = Ledger()
    nightly = manifest(batch(), name="book", schedule=NIGHTLY)
    ledger.assess(wanted(nightly), nodes())
    ask(ledger, asked())
    found = ledger.assess(wanted(nightly), nodes())
    ledger.later(days=2)
    assert ledger.assess(wanted(nightly), nodes()).steps == ()
    edited = replace(nightly, schedule=replace(NIGHTLY, cron="0 3 * * *"))
    held = ledger.assess(wanted(edited), nodes())
    assert (held.steps, held.plan.actions) == ((), ())
    (status,) = held.statuses
    assert (status.phase, status.reason) == (Phase.SUSPENDED, HELD_BY_OPERATOR)
    assert condition(status) == (HELD_BY_OPERATOR, f"waits for zoe release: {WHY}")
    assert len(found.statuses) == 1
    release(ledger)
    assert len(ledger.assess(wanted(nightly), nodes()).statuses) == 2


def test_a_schedule_bears_its_hold_itself_since_its_runs_are_forgotten() -> None:
    ledger = Ledger()
    nightly = manifest(batch(), name="book", schedule=NIGHTLY)
    ledger.assess(wanted(nightly), nodes())
    ledger.later(days=1)
    found = ledger.assess(wanted(nightly), nodes())
    (run,) = [status for status in found.statuses if status.run]
    assert run.phase is Phase.STARTING
    ask(ledger, asked())
    (step,) = ledger.assess(wanted(nightly), carried_out(found, nodes())).steps[:1]
    assert (step.entry.fact, step.entry.run) == (Fact.HELD, 0)


def test_deletions_that_are_held_count_for_no_mass_delete() -> None:
    ledger = Ledger()
    jobs = [manifest(interactive(), name=f"book{n}") for n in range(8)]
    state = running(ledger, *jobs, state=observed(observed_node("n1", cpus=99)))
    for n in range(2, 8):
        ask(ledger, asked(name=f"book{n}"))
    found = ledger.assess(wanted(jobs[0]), state)
    assert {found.held[job.uid][0] for job in jobs[2:]} == {HELD_BY_OPERATOR}
    assert ledger.facts(jobs[1].uid)[-1] == "cancelled:Deleted"
    for n in range(2, 8):
        release(ledger, f"book{n}")
    found = ledger.assess(wanted(jobs[0]), carried_out(found, state))
    assert {found.held[job.uid][0] for job in jobs[2:]} == {"MassDelete"}


@pytest.mark.parametrize("change", sorted(CHANGES.keys() - {"nothing", "urgent", "schedule"}))
def test_a_plan_says_that_it_is_held(change: str) -> None:
    ledger = Ledger()
    state = running(ledger, BOOK)
    ask(ledger, asked())
    ledger.assess(wanted(BOOK), state)
    lines = preview(
        wanted(BOOK),
        wanted(*CHANGES[change]),
        memory=ledger.memory,
        cluster=Cluster(id="test", observed=state),
        host=HOST,
    ).lines
    assert {line.action for line in lines} == {ActionKind.HELD}
    assert all(line.reason.endswith(WHY) for line in lines)


def test_the_ledger_alone_rebuilds_a_hold() -> None:
    ledger = Ledger()
    running(ledger, BOOK)
    ask(ledger, asked())
    ledger.assess(wanted(BOOK), nodes())
    key = b"k" * 32
    facts = tuple(e for e in ledger.entries if e.uid == BOOK.uid)
    whose = {"namespace": "aml", "name": "book", "run": 1, "source_id": "", "type": "interactive"}
    data = mirror.run_file(mirror.RunFile(uid=BOOK.uid, facts=facts, **whose), key=key)
    read = mirror.read_run_file(data, path=publication.ledger_path(BOOK.uid), key=key)
    record = fold(read.facts if read else ())
    assert record is not None
    memory = Memory(
        records={BOOK.uid: record},
        identities={BOOK.uid: Identity(namespace="aml", name="book", run=1)},
    )
    hold = memory.holds()["aml", "book"]
    assert (hold.by, hold.told, hold.at) == ("ann", "the forge is down", NOW)


def test_another_reason_is_another_fact_and_the_newest_is_told() -> None:
    ledger = Ledger()
    state = running(ledger, BOOK)
    ask(ledger, asked())
    ledger.assess(wanted(BOOK), state)
    ask(ledger, asked(told="the disk is full", at=NOW + timedelta(minutes=1)))
    status = status_of(ledger.assess(wanted(BOOK), state), BOOK)
    assert condition(status)[1] == "held by ann: the disk is full"
    assert ledger.facts(BOOK.uid).count(f"held:{HELD_BY_OPERATOR}") == 2


def test_a_hold_on_a_run_that_has_ended_is_for_the_next_one() -> None:
    ledger, job = Ledger(), manifest(batch(), name="book")
    state = running(ledger, job)
    tasks = tuple(replace(t, state=TaskState.COMPLETE, exit_code=0) for t in state.tasks)
    ledger.assess(wanted(job), replace(state, tasks=tasks))
    ask(ledger, asked())
    found = ledger.assess(wanted(job), nodes())
    assert status_of(found, job).phase is Phase.SUCCEEDED
    second = manifest(batch(), name="book", run=2)
    assert status_of(ledger.assess(wanted(second), nodes()), second).reason == HELD_BY_OPERATOR


def test_a_hold_and_a_refused_edit_are_one_condition_that_keeps_its_time() -> None:
    ledger, job = Ledger(), manifest(batch(), name="book")
    state = running(ledger, job)
    ask(ledger, asked())
    edited = manifest(batch(service(image="newer", completes=True)), name="book")
    first = status_of(ledger.assess(wanted(edited), state), edited)
    ledger.later(minutes=5)
    again = status_of(ledger.assess(wanted(edited), state), edited)
    assert condition(again) == (HELD_BY_OPERATOR, WHY)
    assert document(again) == document(first)


def test_nothing_of_older_records_changes_by_what_is_new_in_them() -> None:
    ledger = Ledger()
    running(ledger, BOOK)
    record: Record = ledger.memory.records[BOOK.uid]
    assert "hold" not in canonical.to_data(record)


def test_names_that_nobody_holds_are_as_they_were() -> None:
    ledger = Ledger()
    state = running(ledger, BOOK, OTHER)
    ask(ledger, asked())
    edited = manifest(interactive(service(image="newer")), name="other")
    found = ledger.assess(wanted(BOOK, edited), state)
    assert {type(action) for action in of(edited, found)} == {UpdateService}


def test_only_what_git_asks_for_counts_as_held_back() -> None:
    ledger = Ledger()
    state = running(ledger, BOOK)
    ask(ledger, asked())
    assert ledger.assess(wanted(BOOK), state).held == {}
    gone = Wanted(commit="d" * 40)
    assert ledger.assess(gone, state).held == {
        BOOK.uid: (HELD_BY_OPERATOR, f"waits for zoe release: {WHY}")
    }
