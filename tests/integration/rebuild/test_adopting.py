"""``zoe orphans adopt``: what runs and nobody knows becomes known; nobody's work is touched."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from policy.model.execution import Uid
from reconciler.converge.orphans import Orphan, orphans
from reconciler.converge.world import HoldRequest
from reconciler.errors import ConfigError
from reconciler.recovery.adopting import Adopted, adopt
from reconciler.working_set import WorkingSet
from tests.fixtures.site import Site, execution_file
from tests.fixtures.verbs import Installation
from tests.integration.rebuild.lost import fresh, parts_of, with_database

BOOK = "executions/aml/book.yaml"
JOB = "executions/aml/job.yaml"


@pytest.fixture
def running(site: Site) -> Site:
    site.push({BOOK: execution_file("book"), JOB: execution_file("job", type_="batch")})
    site.reconcile(passes=6)
    assert site.phases() == {"aml/book": "Running", "aml/job": "Running"}
    return site


def unknown(site: Site) -> tuple[Orphan, ...]:
    records = WorkingSet(site.store.load()).records
    known = {uid for uid, record in records.items() if record.attempt}
    return orphans(site.cluster.observe(), known, deployment="test")


def adopted(site: Site, *uids: str) -> Adopted:
    """Adopt runs, and go on with what came of it."""
    done, site.lease = adopt(
        parts_of(site), site.lease, {Uid(uid) for uid in uids}, sources=["platform"]
    )
    site.restart()
    return done


def release(site: Site, name: str) -> None:
    site.cluster.advance(1_000)
    now = site.clock.now()
    site.store.ask_hold(HoldRequest(namespace="aml", name=name, by="ann", at=now, is_release=True))


def test_what_git_asks_for_goes_on_as_it_is(running: Site, tmp_path: Path) -> None:
    writes = running.writes()
    with with_database(running, fresh(tmp_path)):
        found = unknown(running)
        assert [orphan.owner for orphan in found] == ["aml/book", "aml/job"]
        assert f"zoe orphans adopt {found[0].name}, or: zoe orphans remove" in found[0].told
        done = adopted(running, *(orphan.uid for orphan in found))
        assert done == Adopted(names=("aml/book", "aml/job"), held=(), as_is=())
        running.reconcile(passes=4)
        assert running.writes() == writes
        assert running.phases() == {"aml/book": "Running", "aml/job": "Running"}
        assert unknown(running) == ()
        entries = running.store.load().entries
        assert [e.by for e in entries if e.told == "adopted from the Swarm: aml/book, aml/job"] == [
            "ann"
        ]


def test_only_those_that_are_named_are_adopted(running: Site, tmp_path: Path) -> None:
    running.push({BOOK: None, JOB: None})
    with with_database(running, fresh(tmp_path)):
        book, job = unknown(running)
        adopted(running, book.uid)
        assert unknown(running) == (job,)


def test_what_git_doesnt_ask_for_is_held_until_it_is_released(
    running: Site, tmp_path: Path
) -> None:
    running.push({BOOK: None, JOB: None, "executions/aml/other.yaml": execution_file("other")})
    with with_database(running, fresh(tmp_path)):
        running.reconcile(passes=6)
        book, _ = unknown(running)
        writes = running.writes()
        done = adopted(running, book.uid)
        assert done.held == ("aml/book",)
        running.reconcile(passes=4)
        assert running.writes() == writes
        assert running.phases()["aml/book"] == "Running"
        assert "adopted, but Git doesn't ask for this run" in str(
            running.condition("aml/book", "Held")
        )
        release(running, "book")
        running.reconcile(passes=6)
        assert running.phases()["aml/book"] == "Stopped"
        assert any(word.startswith("remove_service") for word in running.writes()[len(writes) :])


def test_what_was_adopted_without_its_manifest_follows_it_when_it_is_back(
    running: Site, tmp_path: Path
) -> None:
    running.push({BOOK: None, JOB: None})
    with with_database(running, fresh(tmp_path)):
        running.reconcile(passes=4)
        book, _ = unknown(running)
        adopted(running, book.uid)
        running.reconcile(passes=2)
        running.push({BOOK: execution_file("book")})
        writes = running.writes()
        release(running, "book")
        running.reconcile(passes=6)
        assert (running.phases()["aml/book"], running.writes()) == ("Running", writes)


def test_whose_labels_name_no_run_of_ours_is_refused(running: Site) -> None:
    """They were made up, or the source is another one: then nobody can say whose it is."""
    service = running.cluster.observe().services[0]
    made_up = {**service.spec.labels, "zoe.uid": "f" * 16}
    running.cluster.create_service(replace(service.spec, name="lost", labels=made_up))
    before = running.store.load()
    with pytest.raises(ConfigError, match="don't name a run"):
        adopted(running, "f" * 16)
    assert running.store.load() == before


def test_a_name_that_is_no_orphans_is_told(installation: Installation) -> None:
    installation.push({BOOK: execution_file("book")})
    installation.process("once")
    refused = installation("orphans", "adopt", "nobody")
    assert (refused.code, "no orphan is called nobody" in refused.err) == (1, True)
