"""Faults and holds: each is told with its code, a text and since when, wherever people look."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

import pytest

from reconciler.cluster.fake import Outcome
from reconciler.converge.publication import status_path
from reconciler.converge.state import ServiceSpec
from reconciler.converge.world import HoldRequest
from reconciler.errors import ActionFailed, ClusterUnavailable, TransientError
from reconciler.store.archive import SqlArchive
from reconciler.view import glance
from reconciler.view.detail import find
from reconciler.view.picture import Picture
from tests.fixtures.site import PLATFORM, Site, execution_file
from webhook.metrics import Metrics

BOOK = "executions/aml/book.yaml"
NAME = "aml/book"
STACK = "com.docker.stack.namespace"


@pytest.fixture
def archive(site: Site) -> Iterator[SqlArchive]:
    with SqlArchive(site.settings.database, clock=site.clock, random=random.Random(1)) as opened:
        yield opened


@pytest.fixture
def running(site: Site) -> Site:
    site.push({BOOK: execution_file("book")})
    site.reconcile(passes=6)
    assert site.phases() == {NAME: "Running"}
    return site


def metrics(site: Site, picture: Picture) -> str:
    made = Metrics(lambda: picture, site.clock.now, streams=lambda: 0, last_pass=lambda: None)
    return made.text().decode()


# What goes wrong. Each leaves the site after a pass that met it, or failed by it.


def breaks_a_manifest(site: Site) -> None:
    site.push({BOOK: execution_file("book").replace("image:", "imagge:")})
    site.reconcile()


def deletes_most(site: Site) -> None:
    names = [f"more-{number}" for number in range(5)]
    site.push({f"executions/aml/{name}.yaml": execution_file(name) for name in names})
    site.reconcile(passes=4)
    site.push({f"executions/aml/{name}.yaml": None for name in (*names, "book")} | {"x": "y"})
    site.reconcile()


def makes_an_owners_file_unreadable(site: Site) -> None:
    site.push({BOOK: None, "executions/aml/other.yaml": "{"})
    site.reconcile()


def holds(site: Site) -> None:
    asked = HoldRequest(namespace="aml", name="book", by="ada", at=site.clock.now(), told="why")
    site.store.ask_hold(asked)
    site.push({BOOK: execution_file("book", image="newer")})
    site.reconcile()


def lowers_the_run(site: Site) -> None:
    site.push({BOOK: execution_file("book", run=2)})
    site.reconcile(passes=6)
    site.push({BOOK: execution_file("book", run=1)})
    site.reconcile()


def closes_the_window(site: Site) -> None:
    window = "spec: {changeWindows: [{cron: '0 0 29 2 *', timezone: UTC, duration: 1h}]}"
    site.push({"platform.yaml": PLATFORM.replace("spec: {}", window)})
    site.push({BOOK: execution_file("book", image="newer")})
    site.reconcile()


def lets_the_engine_refuse(site: Site) -> None:
    for _ in range(3):
        site.cluster.fail_next("update_service", ActionFailed("the engine says no"))
        site.cluster.fail_next("create_service", ActionFailed("the engine says no"))
    site.push({BOOK: execution_file("book", image="newer")})
    site.reconcile(passes=5)


def lets_it_crash(site: Site) -> None:
    site.cluster.script("main", Outcome.exits(3))
    site.push({BOOK: execution_file("book", run=2)})
    site.reconcile(passes=20, ms=3000)


def takes_the_image_away(site: Site) -> None:
    site.cluster.remove_image("nowhere")
    site.push({BOOK: execution_file("book", run=2, image="nowhere")})
    site.reconcile(passes=20, ms=3000)


def takes_the_name(site: Site) -> None:
    site.cluster.add_foreign_service("web", labels={STACK: "zoe-test-aml-book"})
    site.push({BOOK: execution_file("book", run=2)})
    site.reconcile(passes=8, ms=2000)


def forgets_a_service(site: Site) -> None:
    (service,) = site.cluster.observe().services
    labels = {**service.spec.labels, "zoe.uid": "f" * 16}
    site.cluster.create_service(_renamed(service.spec, "lost", labels))
    site.reconcile()


def rewrites_history(site: Site) -> None:
    site.push({BOOK: execution_file("book", image="other")}, parents=[])
    site.reconcile()


def takes_the_repository_away(site: Site) -> None:
    shutil.move(site.repository.path, f"{site.repository.path}-away")
    site.reconcile(passes=2)
    site.loop.publish(wait=True)
    site.reconcile()


def silences_the_engine(site: Site) -> None:
    site.cluster.fail_next("observe", ClusterUnavailable("tcp://10.0.0.1:2375 refuses"))
    with pytest.raises(TransientError) as caught:
        site.reconcile()
    site.loop.recorder.failed(caught.value, lease=site.lease)


def _renamed(spec: ServiceSpec, name: str, labels: Mapping[str, str]) -> ServiceSpec:
    return replace(spec, name=name, labels=labels)


Break = Callable[[Site], None]


@pytest.mark.parametrize(
    ("breaks", "code"),
    [
        (breaks_a_manifest, "ManifestInvalid"),
        (deletes_most, "MassDelete"),
        (makes_an_owners_file_unreadable, "OwnerUnreadable"),
        (holds, "HeldByOperator"),
        (lowers_the_run, "RunWentBack"),
        (closes_the_window, "OutsideChangeWindow"),
        (lets_the_engine_refuse, "ActionFailed"),
        (lets_it_crash, "CrashLoop"),
        (takes_the_image_away, "ImageUnavailable"),
        (takes_the_name, "NameConflict"),
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
    ("breaks", "code", "told"),
    [
        (forgets_a_service, "Orphan", "zoe orphans remove lost"),
        (takes_the_repository_away, "StatusNotPublished", "config.git"),
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
    assert code in {event.reason for event in archive.events(limit=50)}


@pytest.mark.parametrize(
    "breaks", [rewrites_history, takes_the_repository_away, silences_the_engine]
)
def test_what_keeps_passes_from_following(
    running: Site, archive: SqlArchive, breaks: Break
) -> None:
    breaks(running)
    picture, now = archive.picture(None), running.clock.now()
    (alert,) = (one for one in glance.of(picture, now=now).alerts if one.kind == "source")
    assert alert.told
    assert "zoe_pass_failing 1.0" in metrics(running, picture)


def test_what_is_over_is_told_no_more(running: Site, archive: SqlArchive) -> None:
    forgets_a_service(running)
    running.cluster.remove_by_hand("lost")
    running.reconcile()
    lets_the_engine_refuse(running)
    running.reconcile(passes=40, ms=2000)
    picture = archive.picture(None)
    assert glance.of(picture, now=running.clock.now()).alerts == ()
    assert "zoe_alerts{" not in metrics(running, picture)
