"""Schedules, reservations and change windows from a commit to the cluster, in virtual time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from reconciler.cluster.fake import Outcome
from reconciler.converge.runs import is_scheduled, time_of
from reconciler.converge.state import KIND_PREFETCH, LABEL_KIND
from reconciler.report import Report
from reconciler.working_set import WorkingSet
from tests.fixtures.site import PLATFORM, Site, execution_file

NIGHTLY = "executions/aml/nightly.yaml"
BOOK = "executions/aml/book.yaml"
PARIS = ZoneInfo("Europe/Paris")
MINUTE = timedelta(minutes=1)


def recurring(schedule: str, **fields: Any) -> str:
    text = execution_file("nightly", type_="batch", extra=f"schedule: {{{schedule}}}", **fields)
    return text.replace("  run: 1\n", "")


def platform(spec: str) -> str:
    return PLATFORM.replace("spec: {}", f"spec: {{{spec}}}")


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc]


def jump(site: Site, to: datetime) -> None:
    """Let time pass with nobody there to make a pass."""
    site.cluster.advance((to - site.clock.now()) // timedelta(milliseconds=1))


def live(site: Site, until: datetime, *, poll: timedelta = MINUTE) -> int:
    """Make passes exactly when a leader would: in motion, when a clock says so, else seldom."""
    passes = 0
    while (now := site.clock.now()) < until:
        report: Report = site.loop.reconcile(fetch=False)
        passes += 1
        due = min(report.wake_at or until, until)
        pause = due - now
        if report.is_moving:
            pause = min(pause, timedelta(seconds=15))
        elif report.runs_batch:
            pause = min(pause, poll)
        jump(site, max(now + timedelta(milliseconds=50), now + pause))
    return passes


def runs(site: Site) -> Mapping[datetime, str]:
    """Time -> reason of every run that there ever was, from the ledger."""
    ended: dict[datetime, str] = {}
    for entry in site.store.load().entries:
        if is_scheduled(entry.run):
            ended[time_of(entry.run)] = entry.reason or ended.get(time_of(entry.run), "")
    return ended


@pytest.mark.slow
def test_every_quarter_of_an_hour_of_a_night_in_which_the_clock_jumps(site: Site) -> None:
    midnight = datetime(2026, 10, 25, tzinfo=PARIS).astimezone(UTC)
    end = midnight + timedelta(hours=9)
    jump(site, midnight - timedelta(seconds=30))
    site.cluster.script("busybox", Outcome.exits(0, after_ms=60_000))
    schedule = 'cron: "*/15 * * * *", timezone: Europe/Paris, overlap: forbid, keep: 3'
    site.push({NIGHTLY: recurring(schedule)})
    site.reconcile()

    live(site, midnight + timedelta(hours=5, minutes=2))
    jump(site, midnight + timedelta(hours=8, minutes=2))  # down for three hours
    site.restart()
    live(site, end - 3 * MINUTE)

    expected = [midnight + timedelta(minutes=15 * n) for n in range(9 * 4)]
    down = (midnight + timedelta(hours=5, minutes=2), midnight + timedelta(hours=8))
    expected = [at for at in expected if not down[0] < at < down[1]]
    assert runs(site) == dict.fromkeys(expected, "Completed")
    site.published()  # what ended stays until it is told
    jump(site, end - MINUTE)
    site.reconcile(passes=2)
    rows = [row for row in site.store.load().executions if is_scheduled(row.run)]
    assert [time_of(row.run) for row in rows] == expected[-3:]
    assert content(site.loop.working_set) == content(WorkingSet(site.store.load()))
    files = [path for path in site.published() if "/nightly." in path]
    assert len(files) == 4  # the schedule's, and those of the runs that are kept


def content(working_set: WorkingSet) -> dict[str, Any]:
    return {
        name: {key: value for key, value in known.items() if value}
        for name, known in vars(working_set).items()
        if isinstance(known, dict) and name != "published"
    }


def test_a_run_that_goes_on_too_long_keeps_others_out_until_it_ends(site: Site) -> None:
    site.cluster.script("busybox", Outcome.exits(0, after_ms=12 * 60_000), Outcome.exits(0))
    site.push({NIGHTLY: recurring('cron: "*/5 * * * *", overlap: forbid')})
    site.reconcile()
    start = site.clock.now()
    live(site, start + timedelta(minutes=21))
    assert [reason for _, reason in sorted(runs(site).items())] == [
        "Completed",
        "Skipped",
        "Skipped",
        "Completed",
    ]
    warnings = [e for e in site.store.events(name="nightly") if e.reason == "Skipped"]
    assert len(warnings) == 2
    assert all(event.is_warning for event in warnings)


def test_the_schedule_is_told_beside_its_runs(site: Site) -> None:
    site.cluster.script("busybox", Outcome.exits(0, after_ms=1000))
    site.push({NIGHTLY: recurring('cron: "30 2 * * *", timezone: Europe/Paris')})
    site.reconcile()
    assert site.status("aml/nightly")["nextRunAt"] == "2026-01-01T01:30:00+00:00"
    quiet = [site.reconcile(ms=60_000) for _ in range(3)]
    assert all(report.facts == 0 for report in quiet)
    assert quiet[-1].wake_at == utc(2026, 1, 1, 1, 30)
    jump(site, utc(2026, 1, 1, 1, 30))
    live(site, utc(2026, 1, 1, 2))
    readme = site.published()["status/aml/README.md"].decode()
    lines = [line for line in readme.splitlines() if "nightly" in line]
    assert ["Scheduled" in line for line in lines].count(True) == 1
    assert ["2026-01-01T01:30:00+00:00" in line for line in lines].count(True) == 1


def test_an_unchanged_schedule_writes_nothing(site: Site) -> None:
    site.push({NIGHTLY: recurring('cron: "30 2 * * *"')})
    site.reconcile(passes=3)
    site.published()  # that a push landed is written as well, whenever that is
    version = site.store.state_version()
    site.reconcile(passes=3, ms=60_000)
    assert site.store.state_version() == version


def test_deleting_the_file_stops_the_run_and_the_schedule(site: Site) -> None:
    site.push({NIGHTLY: recurring('cron: "*/5 * * * *"'), BOOK: execution_file("book")})
    site.reconcile()
    live(site, site.clock.now() + timedelta(minutes=6))
    assert site.phases() == {"aml/book": "Running", "aml/nightly": "Running"}
    site.push({NIGHTLY: None})
    site.reconcile(passes=4)
    live(site, site.clock.now() + timedelta(minutes=11))
    assert {s.spec.labels["zoe.execution"] for s in site.cluster.observe().services} == {"book"}
    rows = [row for row in site.store.load().executions if row.name == "nightly"]
    assert {row.phase for row in rows} == {"Stopped"}


# -- reservations ---------------------------------------------------------------------------------

LAB = """\
apiVersion: zoe/v1
kind: Reservation
metadata: {name: lab}
spec:
  window: {cron: "0 14 * * *", duration: 2h}
  slots: {count: 2, cpus: 2, memory: 512MiB}
  namespaces: [aml]
  prefetch: [class]
"""


def fetching(site: Site) -> set[str]:
    return {
        str(s.spec.node)
        for s in site.cluster.observe().services
        if s.spec.labels.get(LABEL_KIND) == KIND_PREFETCH
    }


def test_a_class_has_its_images_before_it_begins(site: Site) -> None:
    site.cluster.script("class", Outcome.exits(0))
    site.push({"reservations/lab.yaml": LAB})
    site.reconcile()
    jump(site, utc(2026, 1, 1, 13))
    live(site, utc(2026, 1, 1, 13, 30))
    assert fetching(site) == set()
    live(site, utc(2026, 1, 1, 14))
    assert fetching(site) == {"id-n1", "id-n2", "id-n3"}
    effects = len(site.cluster.effects)
    live(site, utc(2026, 1, 1, 15, 59))
    assert len(site.cluster.effects) == effects
    live(site, utc(2026, 1, 1, 16, 1))
    assert fetching(site) == set()


def test_an_image_that_isnt_there_is_told_once_and_disturbs_nobody(site: Site) -> None:
    site.cluster.remove_image("class")
    site.push({"reservations/lab.yaml": LAB, BOOK: execution_file("book")})
    jump(site, utc(2026, 1, 1, 13, 45))
    site.reconcile(passes=8)
    told = [e for e in site.store.events() if e.reason == "PrefetchFailed"]
    assert {event.message.split(":")[0] for event in told} == {
        f"class can't be fetched on n{number}" for number in (1, 2, 3)
    }
    assert len(told) == 3
    assert all(event.is_warning for event in told)
    assert site.phases() == {"aml/book": "Running"}
    site.cluster.add_image("class")
    site.cluster.script("class", Outcome.exits(0))
    jump(site, utc(2026, 1, 1, 13, 52))
    site.reconcile(passes=8)
    assert fetching(site) == {"id-n1", "id-n2", "id-n3"}


# -- change windows -------------------------------------------------------------------------------

WINDOWS = platform('changeWindows: [{cron: "0 20 * * *", duration: 1h}]')


def test_what_runs_is_edited_and_deleted_in_the_window_only(site: Site) -> None:
    site.push({"platform.yaml": WINDOWS, BOOK: execution_file("book")})
    site.push({"executions/aml/other.yaml": execution_file("other")})
    site.reconcile(passes=6)
    assert site.phases() == {"aml/book": "Running", "aml/other": "Running"}
    effects = len(site.cluster.effects)
    edited = execution_file("book", image="newer")
    site.push({BOOK: edited, "executions/aml/other.yaml": None})
    site.push({"executions/aml/late.yaml": execution_file("late")})
    report = site.reconcile(passes=6)
    assert report.wake_at == utc(2026, 1, 1, 20)
    assert site.phases() == {
        "aml/book": "Running",
        "aml/late": "Running",
        "aml/other": "Running",
    }
    created = [e.name for e in site.cluster.effects[effects:]]
    assert all(name.startswith("late-") for name in created)
    held = [c for c in site.status("aml/book")["conditions"] if c["type"] == "Held"]
    assert [c["reason"] for c in held] == ["OutsideChangeWindow"]
    jump(site, utc(2026, 1, 1, 20))
    site.reconcile(passes=12)
    assert site.phases()["aml/other"] == "Stopped"
    images = {s.spec.image for s in site.cluster.observe().services}
    assert images == {"newer", "busybox"}
    assert not [c for c in site.status("aml/book")["conditions"] if c["type"] == "Held"]


def test_an_execution_starts_at_the_time_that_it_asks_for(site: Site) -> None:
    site.push({BOOK: execution_file("book", extra='notBefore: "2026-01-01T09:00:00+01:00"')})
    report = site.reconcile(passes=2)
    assert site.status("aml/book")["reason"] == "NotBefore"
    assert report.wake_at == utc(2026, 1, 1, 8)
    jump(site, utc(2026, 1, 1, 8))
    site.reconcile(passes=6)
    assert site.phases() == {"aml/book": "Running"}
