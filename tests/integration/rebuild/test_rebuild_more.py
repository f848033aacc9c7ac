"""Schedules and groups' own repositories, when the database is gone."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.cluster.fake import Outcome
from reconciler.converge.recovery import Finding
from tests.fixtures.site import Site, execution_file
from tests.integration.loop.test_calendar import jump, live, recurring, runs
from tests.integration.loop.test_tenants import ONE, Campus, campus
from tests.integration.rebuild.lost import fresh, rebuilt, verify, with_database

__all__ = ["campus"]
HOURLY = {"executions/aml/nightly.yaml": recurring('cron: "0 * * * *", timezone: UTC, keep: 2')}
HOUR = timedelta(hours=1)


@pytest.fixture
def hourly(site: Site) -> Site:
    """Five runs have ended, of which two are told."""
    site.cluster.script("busybox", Outcome.exits(0, after_ms=60_000))
    site.push(HOURLY)
    site.reconcile()
    live(site, site.clock.now() + 5 * HOUR + timedelta(minutes=10))
    site.published()
    site.reconcile(passes=2)
    site.published()
    return site


def test_a_schedule_goes_on_and_no_run_is_made_up_for(hourly: Site, tmp_path: Path) -> None:
    before, writes = runs(hourly), hourly.writes()
    told = {row.run for row in hourly.store.load().executions}
    with with_database(hourly, fresh(tmp_path)):
        done = rebuilt(hourly)
        assert set(done.found.values()) == {Finding.AS_TOLD}
        verify(hourly)
        hourly.reconcile(passes=3)
        assert hourly.writes() == writes
        assert {row.run for row in hourly.store.load().executions} == told
        jump(hourly, hourly.clock.now() + HOUR)
        hourly.reconcile(passes=4)
        (new,) = runs(hourly).keys() - before.keys()
        assert new > max(before)


def test_a_schedule_whose_file_is_gone_counts_from_now_on(hourly: Site, tmp_path: Path) -> None:
    (uid,) = [row.uid for row in hourly.store.load().executions if row.run == 0]
    hourly.repository.commit({f"ledger/{uid[:2]}/{uid}.yaml": None}, branch="zoe/status")
    writes = hourly.writes()
    with with_database(hourly, fresh(tmp_path)):
        rebuilt(hourly)
        hourly.reconcile(passes=4)
        assert hourly.writes() == writes
        jump(hourly, hourly.clock.now() + HOUR)
        hourly.reconcile(passes=4)
        assert len(hourly.writes()) > len(writes)


def test_the_newest_fact_counts_also_when_its_run_is_told_no_more(
    hourly: Site, tmp_path: Path
) -> None:
    """Else the head of the branch, which counts it, would make this database look older."""
    hourly.push(dict.fromkeys(HOURLY))
    hourly.reconcile(passes=4)
    hourly.published()
    newest = max(entry.seq for entry in hourly.store.load().entries)
    hourly.restart()
    assert hourly.loop.working_set.last_seq == newest
    verify(hourly)


def test_what_a_groups_repository_asked_for_is_known_again(campus: Campus, tmp_path: Path) -> None:
    campus.passes(6)
    site = campus.site
    site.published()
    before, writes = site.phases(), site.writes()
    assert before == {"one/book": "Running", "two/book": "Running"}
    accepted = site.store.load().accepted
    with with_database(site, fresh(tmp_path)):
        done = rebuilt(site)
        assert (set(done.found.values()), done.adopted) == ({Finding.AS_TOLD}, frozenset())
        assert site.store.load().accepted == accepted
        verify(site)
        campus.passes(3)
        assert (site.phases(), site.writes()) == (before, writes)


@pytest.mark.parametrize("is_edited", [False, True], ids=["as it was", "edited since"])
def test_it_is_fetched_where_the_mirrors_are_gone_as_well(
    campus: Campus, tmp_path: Path, *, is_edited: bool
) -> None:
    campus.passes(6)
    site = campus.site
    site.published()
    writes = site.writes()
    if is_edited:
        campus.push("g1", {ONE: execution_file("book", image="newer")})
    for mirror in site.settings.state_dir.rglob("*.git"):
        shutil.rmtree(mirror)
    with with_database(site, fresh(tmp_path)):
        done = rebuilt(site)
        assert done.adopted == frozenset()
        assert site.writes() == writes
        campus.passes(6)
        images = {
            service.spec.image
            for service in site.cluster.observe().services
            if service.spec.labels.get("zoe.namespace") == "one"
        }
        assert images == {"newer" if is_edited else "busybox"}
        assert site.phases() == {"one/book": "Running", "two/book": "Running"}


def test_a_groups_repository_that_is_away_stops_nothing(campus: Campus, tmp_path: Path) -> None:
    campus.passes(6)
    site = campus.site
    site.published()
    writes = site.writes()
    shutil.move(campus.repositories["g1"].path, tmp_path / "away")
    for mirror in site.settings.state_dir.rglob("*.git"):
        shutil.rmtree(mirror)
    with with_database(site, fresh(tmp_path)):
        rebuilt(site)
        campus.passes(3)
        assert site.writes() == writes
        assert site.phases() == {"one/book": "Running", "two/book": "Running"}
        shutil.move(tmp_path / "away", campus.repositories["g1"].path)
        campus.passes(3)
        assert site.writes() == writes
