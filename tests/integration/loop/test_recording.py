"""What the loop writes down for people: commits, intervals, boards, passes, its sign of life."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from policy.model.execution import NodeId, Uid
from reconciler.cluster.fake import Outcome, fake_node
from reconciler.errors import (
    ClusterUnavailable,
    InvariantViolated,
    LeaseLost,
    SourceUnavailable,
)
from reconciler.reporting.records import CommitRow, Delta, Interval
from reconciler.reporting.tails import Tails
from reconciler.store.archive import SqlArchive
from tests.fixtures.site import Site, execution_file, namespace_file

BOOK = "executions/aml/book.yaml"
JOB = "executions/aml/job.yaml"
ZAPP = "zapps/tool/zapp.yaml"
TOOL = (
    "apiVersion: zoe/v1\nkind: ZApp\nmetadata: {name: tool, title: A tool}\nspec:\n"
    "  type: interactive\n"
    "  parameters:\n    share: {type: number, default: 0.5}\n    b: {type: string}\n"
    "  services:\n    main:\n      image: busybox\n"
)
SHOWN = namespace_file("aml").replace("spec: {}", "spec: {page: {logs: true}}")


@pytest.fixture
def archive(site: Site) -> Iterator[SqlArchive]:
    with SqlArchive(site.settings.database, clock=site.clock, random=random.Random(1)) as opened:
        yield opened


def commits(archive: SqlArchive) -> list[CommitRow]:
    """The newest first."""
    return [row for _, row in archive.commits(limit=50)]


def held(archive: SqlArchive, site: Site) -> list[Interval]:
    now = site.clock.now()
    return list(archive.intervals(since=now - timedelta(days=1), until=now + timedelta(days=1)))


class TestCommits:
    def test_each_has_what_it_changed_against_the_one_before(
        self, site: Site, archive: SqlArchive
    ) -> None:
        site.push({BOOK: execution_file("book"), JOB: execution_file()})
        site.reconcile(passes=2)
        head = site.push({BOOK: execution_file("book", extra="priority: low"), JOB: None})
        site.reconcile(passes=2)
        newest, first = commits(archive)
        assert (newest.id, newest.hold) == (head, "")
        assert first.delta == Delta(added=("aml/book", "aml/job"))
        assert newest.delta == Delta(changed=("aml/book",), removed=("aml/job",))

    def test_what_an_author_can_set_for_ever_is_a_change_too(
        self, site: Site, archive: SqlArchive
    ) -> None:
        site.push({BOOK: execution_file("book")})
        site.reconcile()
        site.push({BOOK: execution_file("book", extra="suspend: true")})
        site.reconcile()
        assert commits(archive)[0].delta == Delta(changed=("aml/book",))

    def test_what_came_while_nobody_looked_is_counted_once(
        self, site: Site, archive: SqlArchive
    ) -> None:
        site.push({BOOK: execution_file("book")})
        site.reconcile()
        site.push({JOB: execution_file()})
        site.push({"executions/aml/late.yaml": execution_file("late"), BOOK: None})
        site.restart()
        site.reconcile(passes=2)
        site.restart()
        site.reconcile(passes=2)
        newest, first = commits(archive)
        assert newest.delta == Delta(added=("aml/job", "aml/late"), removed=("aml/book",))
        assert first.delta == Delta(added=("aml/book",))

    def test_a_broken_file_changes_nothing_and_counts_as_a_problem(
        self, site: Site, archive: SqlArchive
    ) -> None:
        site.push({BOOK: execution_file("book")})
        site.reconcile()
        site.push({BOOK: execution_file("book").replace("busybox", "[busybox")})
        site.reconcile()
        newest = commits(archive)[0]
        assert newest.delta == Delta()
        assert newest.problems == 1
        (problem,) = archive.picture(None).board.problems
        assert (problem["path"], problem["severity"]) == (BOOK, "error")

    def test_a_tip_that_is_not_accepted_is_there_with_the_reason(
        self, site: Site, archive: SqlArchive
    ) -> None:
        first = site.push({BOOK: execution_file("book")})
        site.reconcile()
        site.push({JOB: execution_file()})
        site.reconcile()
        tip = site.push({JOB: execution_file("other")}, parents=[first])
        site.reconcile(passes=3)
        site.restart()
        site.reconcile()
        newest = commits(archive)[0]
        assert (newest.id, newest.hold, len(commits(archive))) == (tip, "NonDescendant", 3)
        assert f"zoe confirm {tip[:12]}" in newest.told
        pulse = archive.picture(None).pulse
        assert pulse is not None
        assert pulse.problem == newest.told
        site.store.confirm(tip, by="ann", at=site.clock.now())
        site.reconcile()
        newest = commits(archive)[0]
        assert (newest.id, newest.hold, len(commits(archive))) == (tip, "", 3)


class TestIntervals:
    def test_they_follow_the_allocation_from_start_to_end(
        self, site: Site, archive: SqlArchive
    ) -> None:
        site.cluster.script("busybox", Outcome.exits(0, after_ms=60_000))
        site.push({JOB: execution_file(type_="batch")})
        began = site.clock.now()
        site.reconcile(passes=4)
        (opened,) = held(archive, site)
        assert (opened.name, opened.since, opened.until) == ("job", began, None)
        assert (opened.cpu_millis, opened.memory_bytes) == (1000, 64 * 1024**2)
        site.reconcile(passes=4, ms=30_000)
        (closed,) = held(archive, site)
        assert closed.since == began
        assert closed.until is not None
        assert closed.until - began >= timedelta(seconds=60)

    def test_more_replicas_begin_a_new_one(self, site: Site, archive: SqlArchive) -> None:
        site.push({BOOK: execution_file("book")})
        site.reconcile(passes=6)
        site.push({BOOK: execution_file("book", service="replicas: {core: 1, max: 3}")})
        site.reconcile(passes=6)
        first, second = held(archive, site)
        assert (first.until, second.until) == (second.since, None)
        assert (first.cpu_millis, second.cpu_millis) == (1000, 3000)

    def test_a_larger_reservation_begins_a_new_one(self, site: Site, archive: SqlArchive) -> None:
        site.push({BOOK: execution_file("book")})
        site.reconcile(passes=6)
        site.push({BOOK: execution_file("book").replace("64MiB", "128MiB")})
        site.reconcile(passes=6)
        first, second = held(archive, site)
        assert (first.until, second.until) == (second.since, None)
        assert second.memory_bytes == 2 * first.memory_bytes

    def test_they_go_on_after_a_restart(self, site: Site, archive: SqlArchive) -> None:
        site.push({BOOK: execution_file("book")})
        site.reconcile(passes=6)
        before = held(archive, site)
        site.restart()
        site.reconcile(passes=2)
        assert held(archive, site) == before
        site.push({BOOK: execution_file("book", extra="suspend: true")})
        site.reconcile(passes=6)
        (closed,) = held(archive, site)
        assert closed.since == before[0].since
        assert closed.until is not None


class TestBoards:
    def test_they_tell_of_the_accepted_commit(self, site: Site, archive: SqlArchive) -> None:
        logo = "<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg'/>"
        readme = "# Tool\n\n![logo](logo.svg)\n\nDoes a\nthing.\n\nMore."
        namespace = namespace_file("aml").replace(
            "spec: {}", "spec: {page: {logs: true}, weight: 2, quota: {maximum: {cpus: 8}}}"
        )
        schedule = 'schedule: {cron: "0 3 * * *", timezone: Europe/Paris}'
        site.push(
            {
                "namespaces/aml.yaml": namespace,
                ZAPP: TOOL,
                "zapps/tool/README.md": readme,
                "zapps/tool/logo.svg": logo,
                JOB: execution_file(type_="batch", extra=schedule).replace("  run: 1\n", ""),
            }
        )
        site.reconcile()
        board = archive.picture(None).board
        assert board.problems == ()
        assert board.namespaces["aml"]["page"] == {"logs": True}
        assert board.namespaces["aml"]["maximum"] == {"cpu": 8000}
        tool = board.zapps["tool"]
        assert (tool["title"], tool["readme"]) == ("A tool", readme)
        assert tool["description"] == "Does a thing."
        assert tool["parameters"]["share"] == {"type": "number", "default": "0.5"}
        assert tool["parameterNames"] == ["share", "b"]
        assert tool["logo"]["type"] == "image/svg+xml"
        assert board.platform["policy"]["policy"] == "fair"
        (recurrence,) = board.recurrences
        assert (recurrence["name"], recurrence["cron"]) == ("job", "0 3 * * *")

    def test_a_new_readme_is_told_and_a_removed_namespace_is_gone(
        self, site: Site, archive: SqlArchive
    ) -> None:
        site.push({ZAPP: TOOL, "namespaces/two.yaml": namespace_file("two")})
        site.reconcile()
        before = archive.picture(None)
        assert before.board.namespaces.keys() == {"aml", "two"}
        site.push({"zapps/tool/README.md": "New.", "namespaces/two.yaml": None})
        site.reconcile()
        after = archive.picture(before).board
        assert (after.zapps["tool"]["readme"], after.namespaces.keys()) == ("New.", {"aml"})
        assert after.platform is before.board.platform

    def test_a_workspace_is_on_the_node_that_mounted_it_first(
        self, site: Site, archive: SqlArchive
    ) -> None:
        mounting = "volumes: [{type: workspace, target: /work}]"
        site.push({"namespaces/two.yaml": namespace_file("two"), BOOK: execution_file("book")})
        site.reconcile()
        nowhere = {"isShared": False, "node": ""}
        assert archive.picture(None).board.namespaces["aml"]["workspace"] == nowhere
        site.push({BOOK: execution_file("book", run=2, service=mounting)})
        site.reconcile(passes=6)
        (node,) = site.status("aml/book")["components"][0]["nodes"]
        found = archive.picture(None).board.namespaces
        assert found["aml"]["workspace"] == {"isShared": False, "node": node}
        assert found["two"]["workspace"] == nowhere


class TestStillness:
    def test_an_unchanged_world_makes_no_new_version(self, site: Site, archive: SqlArchive) -> None:
        site.push({BOOK: execution_file("book"), ZAPP: TOOL})
        site.reconcile(passes=8)
        site.published()
        version, before = site.store.state_version(), archive.picture(None)
        for _ in range(2):
            site.reconcile(passes=3, ms=30_000)
            site.restart()
        site.reconcile(passes=2)
        site.published()
        assert site.store.state_version() == version
        after = archive.picture(before)
        assert after.documents is before.documents
        assert before.pulse is not None
        assert after.pulse is not None
        assert after.pulse.at > before.pulse.at

    def test_passes_are_told_if_they_did_something_or_a_minute_went_by(
        self, site: Site, archive: SqlArchive
    ) -> None:
        began = site.clock.now()
        site.push({BOOK: execution_file("book")})
        site.reconcile(passes=10)
        busy = len(archive.passes(since=began, limit=100))
        assert 2 <= busy < 10
        site.reconcile(passes=9, ms=20_000)
        rows = archive.passes(since=began, limit=100)
        assert len(rows) - busy in (2, 3)
        assert (rows[-1].running, rows[-1].actions) == (1, 0)
        assert (rows[-1].cpu_millis, rows[-1].cpu_reserved_millis) == (12_000, 1000)


class TestCrashes:
    def test_what_is_not_committed_is_told_by_the_next_and_once(
        self, site: Site, archive: SqlArchive
    ) -> None:
        site.push({BOOK: execution_file("book")})
        site.loop.lease = replace(site.lease, epoch=0)
        with pytest.raises(LeaseLost):
            site.reconcile()
        found = archive.picture(None)
        assert (commits(archive), held(archive, site), found.pulse) == ([], [], None)
        site.restart()
        site.reconcile(passes=2)
        assert [row.delta for row in commits(archive)] == [Delta(added=("aml/book",))]
        assert len(held(archive, site)) == 1

    def test_one_between_commit_and_effect_repeats_nothing(
        self, site: Site, archive: SqlArchive
    ) -> None:
        site.push({BOOK: execution_file("book")})
        site.cluster.fail_next("create_network", ClusterUnavailable("gone"), is_reply_lost=True)
        with pytest.raises(ClusterUnavailable):
            site.reconcile()
        before = commits(archive), held(archive, site)
        assert [len(rows) for rows in before] == [1, 1]
        site.restart()
        site.reconcile(passes=6)
        assert (commits(archive), held(archive, site)) == before
        assert site.phases() == {"aml/book": "Running"}


class TestTails:
    def tails(self, site: Site) -> Tails:
        return Tails(site.store, site.cluster, site.clock, site.loop.around)

    def running(self, site: Site, namespace: str) -> Uid:
        site.cluster.script("busybox", Outcome(log="hello\n"))
        site.push({"namespaces/aml.yaml": namespace, BOOK: execution_file("book")})
        site.reconcile(passes=8)
        (row,) = site.store.load().executions
        return row.uid

    def test_who_is_looked_at_is_read(self, site: Site, archive: SqlArchive) -> None:
        uid = self.running(site, SHOWN)
        tails, version = self.tails(site), site.store.state_version()
        tails.round()
        assert archive.tails(uid) == ()
        archive.look_at(uid)
        tails.round()
        (tail,) = archive.tails(uid)
        assert (tail.component, tail.node, tail.text.strip()) == ("main", "n1", "hello")
        site.cluster.advance(11 * 60_000)
        archive.look_at(Uid("0" * 16))
        tails.round()
        assert archive.tails(uid) == ()
        assert site.store.state_version() == version

    def test_a_log_over_which_the_engine_hangs_hides_no_other(
        self, site: Site, archive: SqlArchive
    ) -> None:
        self.running(site, SHOWN)
        site.push({"executions/aml/other.yaml": execution_file("other")})
        site.reconcile(passes=8)
        for row in site.store.load().executions:
            archive.look_at(row.uid)
        site.cluster.fail_next("logs", ClusterUnavailable("logs: timed out"))
        self.tails(site).round()
        assert sum(len(archive.tails(row.uid)) for row in site.store.load().executions) == 1

    def test_logs_of_nodes_that_are_called_the_same_are_all_shown(
        self, site: Site, archive: SqlArchive
    ) -> None:
        for node in site.cluster.observe().nodes:
            site.cluster.drain(node.hostname)
        for number in (1, 2):
            copy = fake_node("debian", cpu_millis=1000)
            site.cluster.add_node(replace(copy, id=NodeId(f"copy-{number}")))
        two = execution_file("book", service="replicas: 2")
        site.push({"namespaces/aml.yaml": SHOWN, BOOK: two})
        site.reconcile(passes=8)
        (row,) = site.store.load().executions
        archive.look_at(row.uid)
        self.tails(site).round()
        assert [t.node for t in archive.tails(row.uid)] == ["debian-copy-1", "debian-copy-2"]

    def test_of_a_namespace_that_shows_no_logs_nothing_is_read(
        self, site: Site, archive: SqlArchive
    ) -> None:
        uid = self.running(site, namespace_file("aml"))
        archive.look_at(uid)
        self.tails(site).round()
        assert archive.tails(uid) == ()

    def test_nobody_is_read_who_was_asked_for_long_ago(
        self, site: Site, archive: SqlArchive
    ) -> None:
        uid = self.running(site, SHOWN)
        archive.look_at(uid)
        site.cluster.advance(31_000)
        self.tails(site).round()
        assert archive.tails(uid) == ()


class TestFailures:
    @pytest.mark.parametrize(
        ("error", "told"),
        [
            (SourceUnavailable("https://u:p@git.example: no"), "the Git repository can't be"),
            (ClusterUnavailable("tcp://10.0.0.1:2375: no"), "the Swarm can't be reached"),
            (InvariantViolated("odd", evidence="x"), "a fault in Zoe itself"),
        ],
    )
    def test_a_failed_pass_is_told_without_what_the_error_said(
        self, site: Site, archive: SqlArchive, error: Exception, told: str
    ) -> None:
        site.push({BOOK: execution_file("book")})
        site.reconcile()
        ended = archive.picture(None).pulse
        assert ended is not None
        site.cluster.advance(5_000)
        site.loop.recorder.failed(error, lease=site.lease)
        pulse = archive.picture(None).pulse
        assert pulse is not None
        assert told in pulse.problem
        assert (pulse.at, pulse.commit) == (ended.at, ended.commit)
        assert pulse.tried_at == site.clock.now()
        site.reconcile()
        pulse = archive.picture(None).pulse
        assert pulse is not None
        assert pulse.problem == ""
