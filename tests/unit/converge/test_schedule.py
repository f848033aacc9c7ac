"""Recurring executions, pass by pass: which times become runs, and which are left out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from policy.model.execution import Uid
from reconciler.converge import schedule
from reconciler.converge.ledger import EndReason
from reconciler.converge.plan import RemoveService
from reconciler.converge.runs import SCHEDULE, is_scheduled, run_at, time_of
from reconciler.converge.status import Phase, Status
from reconciler.converge.world import Assessment, Wanted
from reconciler.manifest.spec import After, Overlap, Schedule, UpdateMode
from tests.builders import (
    batch,
    interactive,
    manifest,
    service,
    status_of,
)
from tests.unit.converge.days import HOURLY, Days, at, nightly, overlapping


def schedule_status(found: Assessment) -> Status:
    (status,) = [s for s in found.statuses if s.run == SCHEDULE]
    return status


def test_a_schedule_itself_never_runs_and_says_when_it_will() -> None:
    days = Days(nightly(Schedule(cron="30 2 * * *", timezone="Europe/Paris")))
    assert days.found.plan.actions == ()
    status = schedule_status(days.found)
    assert (status.phase, status.reason) == (Phase.SCHEDULED, "Scheduled")
    assert status.message == "runs next at 2026-01-02T02:30+01:00"
    assert status.next_run_at == days.found.wake_at == at(2, 1, 30)
    assert [c.status for c in status.conditions if c.type == "Ready"] == ["True"]
    assert "Reconciling" not in {c.type for c in status.conditions}


def test_each_due_time_is_a_run_of_its_own_numbered_by_its_time() -> None:
    days = Days(nightly())
    days.go_to(at(1, 13, 0))
    assert days.phases == {"0": "Scheduled/Scheduled", "01-13:00": "Running/Running"}
    days.end()
    days.go_to(at(1, 13, 10))
    days.go_to(at(1, 14, 0))
    assert days.phases == {
        "0": "Scheduled/Scheduled",
        "01-13:00": "Succeeded/Completed",
        "01-14:00": "Running/Running",
    }


def test_a_run_is_told_the_time_that_it_is_for() -> None:
    days = Days(nightly())
    days.go_to(at(1, 13, 7))
    (there,) = days.state.services
    assert dict(there.spec.environment)["ZOE_DUE_AT"] == "2026-01-01T13:00:00+00:00"


def test_a_second_pass_at_the_same_time_changes_nothing() -> None:
    days = Days(nightly())
    days.go_to(at(1, 13, 0))
    again = days.reconcile()
    assert (again.steps, again.plan.actions, again.forgotten) == ((), (), ())


def test_no_time_before_its_commit_counts() -> None:
    days = Days(nightly(), now=at(1, 13, 0))
    days.go_to(at(1, 13, 59))
    assert days.running == []


def test_a_run_that_is_due_while_one_goes_on_is_left_out_for_good_and_says_so() -> None:
    days = Days(overlapping(Overlap.FORBID))
    days.go_to(at(1, 13, 0))
    days.go_to(at(1, 14, 0))
    assert days.phases["01-14:00"] == "Stopped/Skipped"
    days.end()
    days.go_to(at(1, 14, 30))
    assert days.phases["01-13:00"] == "Succeeded/Completed"
    assert days.phases["01-14:00"] == "Stopped/Skipped"
    days.go_to(at(1, 15, 0))
    assert days.phases["01-15:00"] == "Running/Running"


def test_a_run_left_out_is_told_as_a_warning() -> None:
    days = Days(overlapping(Overlap.FORBID))
    days.go_to(at(1, 13, 0))
    days.ledger.now = at(1, 14, 0)
    steps = days.reconcile().steps
    assert [(s.message, s.is_warning) for s in steps] == [
        ("due at 2026-01-01T14:00+00:00", False),
        ("left out: the run before hasn't ended", True),
    ]


def test_runs_that_may_overlap_go_on_side_by_side() -> None:
    days = Days(overlapping(Overlap.ALLOW))
    days.go_to(at(1, 13, 0))
    days.go_to(at(1, 14, 0))
    assert days.running == ["01-13:00", "01-14:00"]
    assert days.phases["01-13:00"] == days.phases["01-14:00"] == "Running/Running"


def test_a_replaced_run_is_stopped_and_gone_before_the_next_starts() -> None:
    days = Days(overlapping(Overlap.REPLACE))
    days.go_to(at(1, 13, 0))
    days.ledger.now = at(1, 14, 0)
    found = days.reconcile()
    assert [type(a) for a in found.plan.actions] == [RemoveService]
    days.go_to(at(1, 14, 1))
    assert days.running == ["01-14:00"]
    assert days.phases["01-13:00"] == "Stopped/Superseded"


def test_after_an_outage_only_the_newest_of_the_missed_times_runs() -> None:
    days = Days(nightly())
    days.go_to(at(1, 17, 20))
    assert days.phases == {"0": "Scheduled/Scheduled", "01-17:00": "Running/Running"}


@pytest.mark.parametrize(("late_min", "phase"), [(10, "Running/Running"), (11, "Stopped/Missed")])
def test_a_run_that_is_too_late_is_left_out(late_min: int, phase: str) -> None:
    days = Days(nightly(replace(HOURLY, start_deadline_ms=600_000)))
    days.go_to(at(1, 13, late_min))
    assert days.phases["01-13:00"] == phase


def test_a_run_that_isnt_placed_yet_keeps_the_next_one_out() -> None:
    days = Days(nightly(spec=batch(service(core=8, completes=True))))
    days.go_to(at(1, 13, 0))
    days.go_to(at(1, 14, 0))
    assert days.phases["01-13:00"] == "Queued/NeverFits"
    assert days.phases["01-14:00"] == "Stopped/Skipped"


def test_suspending_begins_nothing_and_lets_run_what_runs() -> None:
    days = Days(nightly())
    days.go_to(at(1, 13, 0))
    days.want(nightly(suspend=True))
    found = days.go_to(at(1, 14, 0))
    assert days.running == ["01-13:00"]
    status = schedule_status(found)
    assert (status.phase, status.next_run_at) == (Phase.SUSPENDED, None)


def test_what_was_due_while_it_was_suspended_isnt_made_up_for() -> None:
    days = Days(nightly(suspend=True))
    days.go_to(at(1, 14, 30))
    days.want(nightly())
    days.go_to(at(1, 14, 40))
    assert days.running == []
    days.go_to(at(1, 15, 0))
    assert days.running == ["01-15:00"]


def test_new_times_make_up_for_none_of_the_past() -> None:
    days = Days(nightly(Schedule(cron="0 18 * * *")))
    days.go_to(at(1, 14, 30))
    days.want(nightly(Schedule(cron="0 14 * * *")))
    days.go_to(at(1, 14, 31))
    assert days.running == []
    days.go_to(at(2, 14, 0))
    assert days.running == ["02-14:00"]


def test_an_edit_is_the_next_runs() -> None:
    days = Days(nightly())
    days.go_to(at(1, 13, 0))
    edited = nightly(spec=batch(service(image="newer", completes=True)))
    days.want(edited)
    found = days.go_to(at(1, 13, 30))
    assert (days.found.steps, [s.spec.image for s in days.state.services]) == ((), ["busybox"])
    (status,) = [s for s in found.statuses if is_scheduled(s.run)]
    assert "Held" not in {c.type for c in status.conditions}
    days.end()
    days.go_to(at(1, 13, 40))
    days.go_to(at(1, 14, 0))
    assert [s.spec.image for s in days.state.services] == ["newer"]


def test_an_edit_reaches_a_run_that_still_waits() -> None:
    days = Days(nightly(spec=batch(service(core=8, completes=True))))
    days.go_to(at(1, 13, 0))
    days.want(nightly())
    days.go_to(at(1, 13, 10))
    assert days.phases["01-13:00"] == "Running/Running"


def test_ended_runs_beyond_keep_are_forgotten() -> None:
    days = Days(nightly(replace(HOURLY, keep=2)))
    for hour in range(13, 18):
        days.go_to(at(1, hour, 0))
        days.end()
        days.go_to(at(1, hour, 30))
    days.go_to(at(1, 17, 40))
    runs = ["01-16:00", "01-17:00"]
    assert days.phases == {"0": "Scheduled/Scheduled"} | dict.fromkeys(runs, "Succeeded/Completed")
    assert len(days.ledger.memory.records) == 3


def test_the_newest_run_is_remembered_even_where_none_is_kept() -> None:
    days = Days(nightly(replace(HOURLY, keep=0)))
    days.go_to(at(1, 13, 0))
    days.end()
    days.go_to(at(1, 13, 30))
    days.go_to(at(1, 13, 40))
    assert days.phases["01-13:00"] == "Succeeded/Completed"
    assert days.running == []


def test_runs_left_out_push_no_result_out_of_those_kept() -> None:
    days = Days(nightly(replace(HOURLY, keep=1)))
    days.go_to(at(1, 13, 0))
    days.end()
    days.go_to(at(1, 13, 30))
    for hour in range(14, 18):
        days.go_to(at(1, hour, 0))
    assert days.phases == {
        "0": "Scheduled/Scheduled",
        "01-13:00": "Succeeded/Completed",
        "01-14:00": "Running/Running",
        "01-17:00": "Stopped/Skipped",
    }


def test_a_deleted_schedule_stops_with_all_that_runs_of_it() -> None:
    days = Days(overlapping(Overlap.ALLOW))
    for hour in (13, 14, 15):
        days.go_to(at(1, hour, 0))
    days.wanted = Wanted(commit="d" * 40)
    days.go_to(at(1, 15, 10))
    assert days.running == []
    assert set(days.phases.values()) == {"Stopped/Deleted"}


def test_a_schedule_with_many_runs_counts_once_for_the_guard() -> None:
    others = [manifest(interactive(), name=f"other-{n}") for n in range(5)]
    days = Days(overlapping(Overlap.ALLOW), *others)
    for hour in range(13, 21):
        days.go_to(at(1, hour, 0), passes=1)
    days.want(*others)
    found = days.go_to(at(1, 20, 10))
    assert found.held == {}


def test_a_schedule_that_comes_back_begins_anew() -> None:
    days = Days(nightly())
    days.go_to(at(1, 13, 0))
    days.wanted = Wanted(commit="d" * 40)
    days.go_to(at(1, 13, 30))
    days.want(nightly())
    days.go_to(at(1, 15, 30))
    assert days.running == []
    days.go_to(at(1, 16, 0))
    assert days.running == ["01-16:00"]


def test_an_execution_that_gets_a_schedule_gives_way_to_it() -> None:
    days = Days(manifest(interactive(), name="nightly"))
    days.go_to(at(1, 12, 30))
    days.want(nightly())
    days.go_to(at(1, 12, 40))
    assert days.phases == {"0": "Scheduled/Scheduled", "1": "Stopped/Superseded"}
    days.go_to(at(1, 13, 0))
    assert days.running == ["01-13:00"]


def test_a_schedule_that_becomes_an_execution_gives_way_to_it() -> None:
    days = Days(nightly())
    days.go_to(at(1, 13, 0))
    days.want(manifest(interactive(), name="nightly"))
    days.go_to(at(1, 13, 10), passes=4)
    assert days.phases == {
        "0": "Stopped/Superseded",
        "1": "Running/Running",
        "01-13:00": "Stopped/Superseded",
    }


def test_a_schedule_whose_zapp_is_gone_begins_its_newest_run_when_it_is_back() -> None:
    days = Days(nightly())
    days.want(replace(nightly(), spec=None))
    days.go_to(at(1, 14, 10))
    assert days.running == []
    days.want(nightly())
    days.go_to(at(1, 14, 20))
    assert days.running == ["01-14:00"]


def test_what_comes_after_a_schedule_comes_after_its_newest_run() -> None:
    report = manifest(batch(after=(After(name="nightly"),)), name="report")
    days = Days(nightly(), report)
    assert status_of(days.found, report).reason == "DependencyNotReady"
    days.go_to(at(1, 13, 0))
    assert status_of(days.found, report).reason == "DependencyNotReady"
    days.end()
    days.go_to(at(1, 13, 30))
    assert status_of(days.found, report).phase is Phase.RUNNING


def test_a_run_that_follows_its_zapp_does_so_at_once() -> None:
    notebook = nightly(spec=interactive(), update=UpdateMode.AUTO)
    days = Days(notebook)
    days.go_to(at(1, 13, 0))
    newer = nightly(
        spec=interactive(service(image="newer")),
        update=UpdateMode.AUTO,
        document_hash=notebook.document_hash,
    )
    days.want(newer)
    days.go_to(at(1, 13, 10), passes=1)
    updates = [a for a in days.found.plan.actions if hasattr(a, "version")]
    assert [a.spec.image for a in updates] == ["newer"]


def test_run_numbers_and_times_are_one() -> None:
    time = datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert time_of(run_at(time)) == time
    assert is_scheduled(run_at(time))
    assert not is_scheduled(1_000_000)


def test_what_a_run_was_left_out_for_is_final() -> None:
    days = Days(overlapping(Overlap.FORBID))
    days.go_to(at(1, 13, 0))
    days.go_to(at(1, 14, 0))
    records = {time_of(r.run): r for r in days.ledger.memory.records.values() if r.run}
    skipped = records[at(1, 14)]
    assert skipped.ended is not None
    assert (skipped.ended.reason, skipped.attempt) == (EndReason.SKIPPED, 0)
    assert days.ledger.facts(Uid(skipped.uid)) == ["first_seen", "finished:Skipped"]
    assert timedelta(0) <= skipped.ended.at - at(1, 14) < timedelta(minutes=1)


def test_a_world_that_is_expanded_twice_is_as_once() -> None:
    days = Days(overlapping(Overlap.ALLOW))
    days.go_to(at(1, 13, 0))

    def expand(want: Wanted) -> Wanted:
        now = at(1, 14, 0)
        return schedule.expand(want, days.ledger.memory, now=now, deployment="test")

    once = expand(days.wanted)
    assert expand(once) == once
    assert sorted(m.run for m in once.manifests.values()) == [run_at(at(1, h)) for h in (13, 14)]
