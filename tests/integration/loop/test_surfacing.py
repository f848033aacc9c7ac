"""Faults and holds: each is told with its code, a text and since when, wherever people look."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest

from reconciler.converge.publication import status_path
from reconciler.reporting.records import PassRow
from reconciler.store.archive import SqlArchive
from reconciler.view import glance
from reconciler.view.detail import find
from reconciler.view.picture import Picture
from tests.fixtures.site import Site, execution_file
from tests.integration.loop import misfortunes
from webhook.metrics import Metrics

NAME = "aml/book"
Break = Callable[[Site], object]


@pytest.fixture
def archive(site: Site) -> Iterator[SqlArchive]:
    with SqlArchive(site.settings.database, clock=site.clock, random=random.Random(1)) as opened:
        yield opened


@pytest.fixture
def running(site: Site) -> Site:
    site.push({misfortunes.BOOK: execution_file("book")})
    site.reconcile(passes=6)
    assert site.phases() == {NAME: "Running"}
    return site


def metrics(site: Site, picture: Picture, last_pass: PassRow | None = None) -> str:
    made = Metrics(lambda: picture, site.clock.now, streams=lambda: 0, last_pass=lambda: last_pass)
    return made.text().decode()


@pytest.mark.parametrize(
    ("breaks", "code"),
    [
        (misfortunes.breaks_a_manifest, "ManifestInvalid"),
        (misfortunes.deletes_most, "MassDelete"),
        (misfortunes.makes_an_owners_file_unreadable, "OwnerUnreadable"),
        (misfortunes.holds, "HeldByOperator"),
        (misfortunes.lowers_the_run, "RunWentBack"),
        (misfortunes.closes_the_window, "OutsideChangeWindow"),
        (misfortunes.lets_the_engine_refuse, "ActionFailed"),
        (misfortunes.lets_it_crash, "CrashLoop"),
        (misfortunes.takes_the_image_away, "ImageUnavailable"),
        (misfortunes.takes_the_name, "NameConflict"),
    ],
)
def test_what_concerns_an_execution(
    running: Site, archive: SqlArchive, breaks: Break, code: str
) -> None:
    breaks(running)
    picture, now = archive.picture(None), running.clock.now()
    document = find(picture, "aml", "book")
    assert document is not None
    found = [c for c in document["status"]["conditions"] if c["reason"] == code]
    assert found, document["status"]
    assert found[0]["message"]
    assert datetime.fromisoformat(found[0]["lastTransitionTime"]) <= now
    red = glance.of(picture, now=now).alerts
    assert any(alert.name == NAME or alert.place.startswith("executions/aml/") for alert in red), (
        red
    )
    branch = running.published()[status_path("aml", "book")].decode()
    assert code in branch


@pytest.mark.parametrize(
    ("breaks", "code"),
    [
        (misfortunes.makes_zoe_fail, "Quarantined"),
        (misfortunes.writes_too_large_a_file, "FileTooLarge"),
        (misfortunes.writes_too_many_files, "TooManyFiles"),
    ],
)
def test_what_concerns_a_file(running: Site, archive: SqlArchive, breaks: Break, code: str) -> None:
    breaks(running)
    picture, now = archive.picture(None), running.clock.now()
    (problem,) = (found for found in picture.board.problems if found["code"] == code)
    assert problem["message"]
    assert problem["remedy"]
    (red,) = (one for one in glance.of(picture, now=now).alerts if one.kind == "invalid")
    assert red.place.startswith(problem["path"])
    assert problem["message"] in red.told
    assert "zoe_problems 1.0" in metrics(running, picture)
    assert running.phases()[NAME] == "Running"


@pytest.mark.parametrize(
    ("breaks", "code", "told"),
    [
        (misfortunes.forgets_a_service, "Orphan", "zoe orphans remove lost"),
        (misfortunes.takes_the_repository_away, "StatusNotPublished", "config.git"),
        (misfortunes.writes_to_our_branch, "StatusBranchChanged", "let nobody else push there"),
        (misfortunes.restores_a_backup, "DatabaseBehind", "nothing is changed until: zoe rebuild"),
        (misfortunes.loses_its_node, "NodeDown", "elsewhere if it can: aml/book; mend it"),
        (misfortunes.rewrites_history, "NonDescendant", "nothing changes until: zoe confirm"),
        (misfortunes.takes_the_repository_away, "SourceUnavailable", "can't be reached"),
    ],
)
def test_what_concerns_no_execution(
    running: Site, archive: SqlArchive, breaks: Break, code: str, told: str
) -> None:
    breaks(running)
    picture, now = archive.picture(None), running.clock.now()
    (alert,) = (one for one in glance.of(picture, now=now).alerts if one.code == code)
    assert told in alert.told
    assert alert.since is not None
    assert f'zoe_alerts{{reason="{code}"}} 1.0' in metrics(running, picture)
    assert [event.reason for event in archive.events(limit=50)].count(code) == 1


@pytest.mark.parametrize(
    "breaks",
    [
        misfortunes.rewrites_history,
        misfortunes.takes_the_repository_away,
        misfortunes.lets_the_fetch_take_too_much,
        misfortunes.silences_the_engine,
    ],
)
def test_what_keeps_passes_from_following(
    running: Site, archive: SqlArchive, breaks: Break
) -> None:
    breaks(running)
    picture, now = archive.picture(None), running.clock.now()
    (alert,) = (one for one in glance.of(picture, now=now).alerts if one.kind == "source")
    assert alert.told
    assert "zoe_pass_failing 1.0" in metrics(running, picture)


def test_what_a_pass_took_is_told_by_stage(running: Site, archive: SqlArchive) -> None:
    (row,) = archive.passes(since=running.clock.now() - timedelta(minutes=1), limit=1)
    told = metrics(running, archive.picture(None), row)
    for stage in ("fetch", "read", "observe", "assess", "commit", "act", "publish"):
        assert f'zoe_pass_stage_seconds{{stage="{stage}"}}' in told


def test_that_nobody_leads_is_told(running: Site, archive: SqlArchive) -> None:
    """Who lost the lease may write nothing; that nobody makes passes shows by the last one."""
    misfortunes.gives_the_lease_to_another(running)
    picture, now = archive.picture(None), running.clock.now()
    (alert,) = glance.of(picture, now=now).alerts
    assert (alert.kind, "nobody has looked" in alert.told) == ("loop", True)
    assert "zoe_pass_age_seconds 60" in metrics(running, picture)


def test_a_lost_node_is_told_once_with_what_ran_there_until_it_is_back(
    running: Site, archive: SqlArchive
) -> None:
    host = misfortunes.loses_its_node(running)
    first = archive.picture(None).board.alerts
    running.reconcile(passes=20, ms=3000)  # by now it runs elsewhere
    assert archive.picture(None).board.alerts == first
    (alert,) = glance.of(archive.picture(None), now=running.clock.now()).alerts
    assert (alert.kind, alert.told.split(";")[0]) == ("node", f"node {host} is down")
    running.cluster.start_node(host)
    running.reconcile(passes=3, ms=2000)
    assert archive.picture(None).board.alerts == ()
    running.cluster.drain(host)
    running.cluster.kill_node(host)
    running.reconcile(passes=30, ms=3000)
    assert archive.picture(None).board.alerts == ()


def test_what_is_over_is_told_no_more(running: Site, archive: SqlArchive) -> None:
    misfortunes.forgets_a_service(running)
    running.cluster.remove_by_hand("lost")
    running.reconcile()
    misfortunes.lets_the_engine_refuse(running)
    running.reconcile(passes=40, ms=2000)
    picture = archive.picture(None)
    assert glance.of(picture, now=running.clock.now()).alerts == ()
    assert "zoe_alerts{" not in metrics(running, picture)
