"""Reservations on their way to policy, and the images that they prefetch."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from policy.model import reservation as policy
from policy.model.execution import Constraint, Operator
from reconciler.converge import reserving
from reconciler.converge.instants import epoch_ms
from reconciler.converge.plan import CreateService, RemoveService
from reconciler.converge.state import KIND_PREFETCH, LABEL_KIND, ObservedState, TaskState
from reconciler.converge.world import Assessment, Wanted
from reconciler.manifest.platform import Platform, Reservation
from reconciler.manifest.spec import Window
from tests.builders import (
    NOW,
    Ledger,
    interactive,
    manifest,
    names,
    observed,
    observed_node,
    resources,
    task,
    there,
)

HOUR = timedelta(hours=1)
LAB = Reservation(
    name="lab",
    window=Window(duration_ms=2 * 3_600_000, cron="0 14 * * MON-FRI", timezone="Europe/Paris"),
    slots=25,
    slot=resources(cpus=2),
    namespaces=("aml",),
)
STARTS = datetime(2026, 1, 1, 13, tzinfo=UTC)  # a Thursday


def starts(*reservations: Reservation, now: datetime = NOW) -> list[tuple[str, datetime]]:
    found = reserving.windows({r.name: r for r in reservations}, now=now)
    return [(w.name, datetime.fromtimestamp(w.starts_ms / 1000, UTC)) for w in found]


def test_a_window_comes_to_policy_as_it_was_written() -> None:
    first, *_ = reserving.windows({"lab": LAB}, now=NOW)
    assert first == policy.Reservation(
        name="lab",
        starts_ms=epoch_ms(STARTS),
        ends_ms=epoch_ms(STARTS + 2 * HOUR),
        slots=25,
        slot=resources(cpus=2),
        namespaces=frozenset({"aml"}),
    )


def test_three_windows_of_a_recurring_one_come_to_policy() -> None:
    days = [datetime(2026, 1, day, 13, tzinfo=UTC) for day in (1, 2, 5)]
    assert starts(LAB) == [("lab", day) for day in days]


def test_an_open_window_stays_until_it_ends() -> None:
    assert starts(LAB, now=STARTS + HOUR)[0] == ("lab", STARTS)
    assert starts(LAB, now=STARTS + 2 * HOUR)[0] != ("lab", STARTS)


def test_single_windows_come_within_eight_days_and_go_when_they_are_over() -> None:
    single = replace(LAB, window=Window(duration_ms=3_600_000, start=NOW + timedelta(days=9)))
    assert starts(single) == []
    assert len(starts(single, now=NOW + timedelta(days=2))) == 1
    assert starts(single, now=NOW + timedelta(days=10)) == []


def test_overlapping_reservations_both_count() -> None:
    other = replace(LAB, name="exam", window=replace(LAB.window, cron="30 14 * * *"))
    names_ = [name for name, _ in starts(LAB, other)]
    assert sorted(names_) == ["exam"] * 3 + ["lab"] * 3


def test_the_pass_hands_them_over_and_wakes_when_they_change_something() -> None:
    ledger = Ledger()
    found = ledger.assess(want(LAB), observed())
    assert found.snapshot.reservations == reserving.windows({"lab": LAB}, now=NOW)
    lead = timedelta(milliseconds=Platform().policy.reservation_lead_ms)
    alarms = [STARTS - lead, STARTS, STARTS + 2 * HOUR]
    for alarm in alarms:
        seen = observed(taken_at=ledger.now)
        assert ledger.assess(want(LAB), seen).wake_at == alarm
        ledger.now = alarm
    with_images = replace(LAB, prefetch=("busybox",))
    ledger.now = NOW
    assert ledger.assess(want(with_images), observed()).wake_at == STARTS - HOUR / 2


# -- not before -----------------------------------------------------------------------------------


def test_an_execution_waits_for_the_time_that_it_asks_for() -> None:
    ledger = Ledger()
    spec = interactive(not_before=NOW + HOUR, queue_timeout_ms=60_000)
    later = manifest(spec)
    want_it = Wanted(manifests={later.uid: later})
    (status,) = ledger.assess(want_it, observed()).statuses
    assert (status.phase, status.reason) == ("Pending", "NotBefore")
    assert status.next_try_at == NOW + HOUR
    ledger.later(hours=1, seconds=30)  # its queueTimeout counts from then
    (status,) = ledger.assess(want_it, observed()).statuses
    assert status.phase == "Starting"


def test_waiting_for_a_time_is_no_seniority_in_the_queue() -> None:
    ledger = Ledger()
    large = interactive(not_before=NOW + HOUR)
    later = manifest(large)
    want_it = Wanted(manifests={later.uid: later})
    ledger.assess(want_it, observed())
    ledger.later(hours=2)
    (execution,) = ledger.assess(want_it, observed()).snapshot.executions
    assert execution.queued_ms == epoch_ms(NOW + HOUR)


# -- images ---------------------------------------------------------------------------------------

NODES = (observed_node("n1"), observed_node("n2"))
FETCHING = replace(LAB, prefetch=("lab/spark:3.5", "busybox"))


def want(*reservations: Reservation, **fields: Any) -> Wanted:
    return Wanted(reservations={r.name: r for r in reservations}, **fields)


def fetched(found: Assessment) -> list[tuple[str, str]]:
    return sorted(
        (a.spec.node, a.spec.image) for a in found.plan.actions if isinstance(a, CreateService)
    )


def at_half_past(*reservations: Reservation, state: ObservedState) -> Assessment:
    ledger = Ledger()
    ledger.now = STARTS - HOUR / 2
    return ledger.assess(want(*reservations), state)


def test_every_node_pulls_every_image_half_an_hour_before() -> None:
    ledger = Ledger()
    assert ledger.assess(want(FETCHING), observed(*NODES)).plan.actions == ()
    found = at_half_past(FETCHING, state=observed(*NODES))
    images = ("busybox", "lab/spark:3.5")
    assert fetched(found) == [(node, image) for node in ("n1", "n2") for image in images]
    assert all(
        a.spec.labels[LABEL_KIND] == KIND_PREFETCH and a.spec.name.startswith("prefetch-")
        for a in found.plan.actions
        if isinstance(a, CreateService)
    )


def test_only_the_nodes_of_the_reservation_pull() -> None:
    tier = Constraint(attribute="node.labels.tier", operator=Operator.EQUAL, value="lab")
    nodes = (
        observed_node("n1", labels={"tier": "lab"}),
        observed_node("n2"),
        observed_node("n3", labels={"tier": "lab"}, is_active=False),
        observed_node("n4", labels={"tier": "lab"}, is_ready=False),
        observed_node("n5", labels={"tier": "lab"}, is_manager=True),
    )
    found = at_half_past(
        replace(LAB, prefetch=("busybox",), constraints=(tier,)), state=observed(*nodes)
    )
    assert fetched(found) == [("n1", "busybox")]


def test_two_reservations_of_one_image_pull_it_once() -> None:
    one = replace(LAB, prefetch=("busybox",))
    found = at_half_past(one, replace(one, name="exam"), state=observed(observed_node("n1")))
    assert fetched(found) == [("n1", "busybox")]


def fetching(ledger: Ledger, state: TaskState, **fields: object) -> ObservedState:
    ledger.now = STARTS - HOUR / 2
    one = want(replace(LAB, prefetch=("busybox",)))
    found = ledger.assess(one, observed())
    services = tuple(there(a.spec) for a in found.plan.actions if isinstance(a, CreateService))
    tasks = tuple(task(s.id, state, updated_at=ledger.now, **fields) for s in services)
    return observed(services=services, tasks=tasks)


def test_what_has_pulled_stays_for_the_window_and_goes_after_it() -> None:
    ledger, one = Ledger(), want(replace(LAB, prefetch=("busybox",)))
    for ended in (TaskState.COMPLETE, TaskState.FAILED):  # an image needn't hold the command
        state = fetching(ledger, ended)
        assert ledger.assess(one, state).plan.actions == ()
        ledger.now = STARTS + HOUR
        assert ledger.assess(one, state).plan.actions == ()
        ledger.now = STARTS + 2 * HOUR
        found = ledger.assess(one, state)
        assert names(found.plan.actions) == ["RemoveService"]
        assert found.plan.notes == ()


def test_an_image_that_cant_be_had_is_told_and_tried_again() -> None:
    ledger, one = Ledger(), want(replace(LAB, prefetch=("busybox",)))
    state = fetching(ledger, TaskState.REJECTED, error="No such image: busybox")
    found = ledger.assess(one, state)
    assert [(note.uid, note.reason, note.message) for note in found.plan.notes] == [
        ("", "PrefetchFailed", "busybox can't be fetched on n1: No such image: busybox")
    ]
    assert found.plan.actions == ()
    ledger.later(minutes=5)
    removed = ledger.assess(one, state).plan.actions
    assert [type(action) for action in removed] == [RemoveService]
    assert fetched(ledger.assess(one, observed())) == [("n1", "busybox")]


def test_a_reservation_that_is_deleted_takes_its_services_along() -> None:
    ledger = Ledger()
    state = fetching(ledger, TaskState.COMPLETE)
    assert names(ledger.assess(Wanted(), state).plan.actions) == ["RemoveService"]


def test_prefetching_reserves_nothing() -> None:
    ledger = Ledger()
    state = fetching(ledger, TaskState.RUNNING, reservations=resources())
    (node,) = ledger.assess(want(replace(LAB, prefetch=("busybox",))), state).snapshot.nodes
    assert node.reserved == resources()
