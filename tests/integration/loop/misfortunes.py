"""What goes wrong, each in a function: it leaves a site after a pass that met it, or failed by it.

Every site that is given has ``aml/book``, which runs.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler import lead
from reconciler.cluster.fake import Outcome
from reconciler.converge.state import ServiceSpec, TaskState
from reconciler.converge.world import HoldRequest
from reconciler.errors import (
    ActionFailed,
    ClusterUnavailable,
    DatabaseBehind,
    LeaseLost,
    TransientError,
)
from reconciler.git.fetchers import FetchedApart, Fetchers
from reconciler.manifest.limits import Limits
from reconciler.manifest.spec import Manifest
from reconciler.store.repository import SqlStore
from tests.fixtures.site import LEDGER_KEY, PLATFORM, Site, execution_file
from tests.integration.rebuild.lost import back_up

BOOK = "executions/aml/book.yaml"
OTHER = "executions/aml/other.yaml"
STACK = "com.docker.stack.namespace"


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


def loses_its_node(site: Site) -> str:
    """Cut the power of the node on which it runs; return that."""
    seen = site.cluster.observe()
    (task,) = (task for task in seen.tasks if task.state is TaskState.RUNNING)
    (host,) = (node.hostname for node in seen.nodes if node.id == task.node)
    site.cluster.kill_node(host)
    site.reconcile(passes=5, ms=1000)
    return host


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


# Input that Zoe dies of, or that is more than it takes.


def makes_zoe_fail(site: Site) -> None:
    """A pass fails by a fault of ours as often as it sees the newest version of the file."""
    site.push({BOOK: execution_file("book", image="explodes")})

    def fails() -> dict[Any, Any]:
        kept = site.loop.reader.kept().last
        if kept and any(_image(m) == "explodes" for m in kept[1].manifests.values()):
            raise ZeroDivisionError
        return {}

    for _ in range(2):
        site.loop.activity = fails
        with pytest.raises(ZeroDivisionError):
            site.reconcile()
        site.restart()
    site.loop.activity = fails
    site.reconcile(passes=2)


def _image(manifest: Manifest) -> str:
    return manifest.spec.services[0].image if manifest.spec else ""


def writes_too_large_a_file(site: Site) -> None:
    site.push({BOOK: execution_file("book", image="other") + "# more\n" * 20_000})
    site.reconcile()


def writes_too_many_files(site: Site) -> None:
    site.settings = replace(site.settings, limits=Limits(files=3))
    site.restart()
    site.push({OTHER: execution_file("other")})
    site.reconcile()


# What a leader begins with, and ends by.


def begins(site: Site) -> None:
    """Begin to lead anew, as ``zoe run`` does."""
    site.restart()
    lead.begin(site.loop, key=LEDGER_KEY, ttl_s=site.settings.lease_ttl_s)


def restores_a_backup(site: Site) -> None:
    database = Path(site.settings.database.removeprefix("sqlite:///"))
    back_up(database, database.with_suffix(".bak"))
    site.push({OTHER: execution_file("other")})
    site.reconcile(passes=4)
    site.published()
    site.loop.close()
    site.store.close()
    for file in database.parent.glob("zoe.db*"):
        file.unlink()
    database.with_suffix(".bak").rename(database)
    site.store = SqlStore(
        site.settings.database, deployment="test", clock=site.clock, random=random.Random(1)
    )
    for _ in range(2):  # nothing is told twice
        lease = site.store.acquire_lease("test", ttl_s=3600)
        assert lease is not None
        site.lease = lease
        with pytest.raises(DatabaseBehind):
            begins(site)
        site.cluster.advance(60_000)
    site.loop.close()


def writes_to_our_branch(site: Site) -> None:
    site.published()
    site.repository.commit({"status/aml/README.md": "all is well"}, branch="zoe/status")
    begins(site)
    site.reconcile()


def lets_the_fetch_take_too_much(site: Site) -> None:
    """The process that fetches is ended by the bound on its memory."""
    with closing(Fetchers(Limits(fetch_memory_mib=1))) as fetchers:
        source = site.settings.platform_source
        mirror = site.settings.state_dir / "mirror.git"
        site.loop.reader.source = FetchedApart(source, mirror, fetchers)
        site.reconcile()


def gives_the_lease_to_another(site: Site) -> None:
    site.store.release_lease(site.lease)
    assert site.store.acquire_lease("another", ttl_s=60) is not None
    with pytest.raises(LeaseLost) as caught:
        site.reconcile()
    site.loop.recorder.failed(caught.value, lease=site.lease)
    site.cluster.advance(600_000)
