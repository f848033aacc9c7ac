"""What people see of recurring executions: in a plan, and of their many runs."""

from __future__ import annotations

from dataclasses import replace

from reconciler.converge.newest import newest
from reconciler.converge.runs import SCHEDULE, run_at
from reconciler.converge.world import Wanted
from reconciler.manifest.spec import Schedule
from reconciler.review.cluster import Cluster
from reconciler.review.preview import ActionKind, preview
from tests.builders import HOST, batch, interactive, manifest, service, wanted
from tests.unit.converge.days import Days, at, nightly


def lines(days: Days, head: Wanted) -> list[tuple[ActionKind, str]]:
    found = preview(
        days.wanted,
        head,
        memory=days.ledger.memory,
        cluster=Cluster(id="test", observed=replace(days.state, taken_at=days.ledger.now)),
        host=HOST,
    )
    return [(line.action, line.reason) for line in found.lines]


def test_a_plan_shows_when_a_new_schedule_begins() -> None:
    days = Days()
    told = (ActionKind.CREATE, "runs next at 2026-01-01T13:00+00:00")
    assert lines(days, wanted(nightly())) == [told]


def test_a_plan_shows_what_an_edit_of_a_schedule_does() -> None:
    days = Days(nightly())
    days.go_to(at(1, 13, 5))
    assert lines(days, wanted(nightly())) == []
    edited = nightly(spec=batch(service(image="newer", completes=True)))
    told = "the next run follows: runs next at 2026-01-01T14:00+00:00"
    assert lines(days, wanted(edited)) == [(ActionKind.IN_PLACE, told)]
    later = nightly(Schedule(cron="0 18 * * *"))
    told = "runs next at 2026-01-01T18:00+00:00"
    assert lines(days, wanted(later)) == [(ActionKind.IN_PLACE, told)]


def test_a_plan_shows_that_a_deleted_schedule_stops_what_runs() -> None:
    days = Days(nightly(), manifest(interactive(), name="other"))
    days.go_to(at(1, 13, 5))
    found = lines(days, wanted(manifest(interactive(), name="other")))
    assert [kind for kind, _ in found] == [ActionKind.STOP, ActionKind.STOP]


def test_of_each_name_the_newest_run_is_told_and_its_schedule_before_it() -> None:
    days = Days(manifest(interactive(), name="nightly"))
    days.go_to(at(1, 12, 30))
    days.want(nightly())
    for hour in (13, 14):
        days.go_to(at(1, hour, 0))
        days.end()
        days.go_to(at(1, hour, 30))
    documents = list(days.ledger.memory.statuses.values())
    runs = [d["metadata"]["run"] for d in newest(documents)]
    assert runs == [SCHEDULE, run_at(at(1, 14))]
    days.want(manifest(interactive(), name="nightly"))
    days.go_to(at(1, 14, 40))
    documents = list(days.ledger.memory.statuses.values())
    assert newest(documents)[0]["metadata"]["run"] == 1
