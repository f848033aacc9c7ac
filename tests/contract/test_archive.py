"""What pages read of the database (``reconciler.view.archive.Archive``), on both databases."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from policy.model.execution import Uid
from reconciler.converge.ledger import Entry, Fact
from reconciler.errors import StoreUnavailable
from reconciler.ports import Lease, Store
from reconciler.posted import PostedPlan
from reconciler.reporting.records import (
    Board,
    CommitRow,
    Delta,
    Event,
    Harvest,
    Interval,
    PassRow,
    Pulse,
    Recording,
    Tail,
)
from reconciler.store.archive import SqlArchive
from reconciler.stored import Changes, ExecutionRow
from tests.fixtures.postgres import DEPLOYMENT, FixedClock, OpenStore

AT = datetime(2026, 1, 1, 10, 30, 0, 123_000, tzinfo=UTC)
UID = Uid("00000000000000aa")
OTHER = Uid("00000000000000bb")
OpenArchive = Callable[[str], SqlArchive]


@pytest.fixture
def open_archive(store_clock: FixedClock) -> Iterator[OpenArchive]:
    opened: list[SqlArchive] = []

    def open_(url: str) -> SqlArchive:
        opened.append(SqlArchive(url, clock=store_clock, random=Random(1), poll_s=0.02))
        return opened[-1]

    yield open_
    for archive in opened:
        archive.close()


@pytest.fixture
def archive(database_url: str, store: Store, open_archive: OpenArchive) -> SqlArchive:
    return open_archive(database_url)


def row(uid: Uid = UID, phase: str = "Queued", namespace: str = "lab") -> ExecutionRow:
    return ExecutionRow(
        uid=uid,
        namespace=namespace,
        name=f"job-{uid[-2:]}",
        run=1,
        source_id="main",
        phase=phase,
        reason="",
        status={"status": {"phase": phase}},
        updated_at=AT,
    )


def commit(id_: str, **fields: object) -> CommitRow:
    known = {
        "id": id_ * 40,
        "source_id": "main",
        "author": "Ann <ann@example.org>",
        "committed_at": AT,
        "message": "Add it",
        "seen_at": AT,
    }
    return CommitRow(**{**known, **fields})


def later(**delta: float) -> datetime:
    return AT + timedelta(**delta)


def recorded(**fields: object) -> Changes:
    return Changes(recording=Recording(**fields))


class TestPicture:
    def test_an_installation_without_any_pass_has_an_empty_one(self, archive: SqlArchive) -> None:
        found = archive.picture(None)
        assert (found.deployment, found.version, found.pulse) == (DEPLOYMENT, 0, None)
        assert (found.documents, found.board, found.snapshot) == ({}, Board(), "")

    def test_it_holds_what_was_committed(
        self, archive: SqlArchive, store: Store, lease: Lease, store_clock: FixedClock
    ) -> None:
        problem = {"path": "a.yaml", "line": 3, "message": "no"}
        boards = {"problems": [problem], "namespaces": {"lab": {"weight": 2}}}
        changes = recorded(boards=boards)
        store.commit(
            replace(changes, executions=(row(),), snapshot='{"id":"s1"}', snapshot_id="s1"), lease
        )
        found = archive.picture(None)
        assert found.documents == {UID: {"status": {"phase": "Queued"}}}
        assert found.board == Board(problems=(problem,), namespaces={"lab": {"weight": 2}})
        assert (found.snapshot_id, found.snapshot) == ("s1", '{"id":"s1"}')
        assert (found.version, found.read_at) == (store.state_version(), store_clock.now())

    def test_what_did_not_change_is_taken_from_the_last_one(
        self, archive: SqlArchive, store: Store, lease: Lease
    ) -> None:
        store.commit(Changes(executions=(row(), row(OTHER)), snapshot="{}", snapshot_id="s"), lease)
        first = archive.picture(None)
        store.commit(Changes(executions=(row(), row(OTHER, "Running"))), lease)
        second = archive.picture(first)
        assert second.documents[UID] is first.documents[UID]
        assert second.snapshot is first.snapshot
        assert second.documents[OTHER] == {"status": {"phase": "Running"}}
        third = archive.picture(second)
        assert third.documents is second.documents
        store.commit(Changes(snapshot="{}", snapshot_id="t"), lease)
        fourth = archive.picture(third)
        assert (fourth.snapshot_id, fourth.documents is third.documents) == ("t", True)
        assert fourth.orders is second.orders

    def test_runs_that_were_forgotten_are_gone(
        self, archive: SqlArchive, store: Store, lease: Lease
    ) -> None:
        store.commit(Changes(executions=(row(), row(OTHER))), lease)
        first = archive.picture(None)
        third = Uid("00000000000000cc")
        store.commit(Changes(executions=(row(third),), forgotten=(UID,)), lease)
        assert archive.picture(first).documents.keys() == {OTHER, third}

    def test_a_database_restored_from_a_backup_is_read_anew(
        self, archive: SqlArchive, store: Store, lease: Lease
    ) -> None:
        store.commit(Changes(executions=(row(),)), lease)
        found = archive.picture(None)
        of_later = replace(found, version=found.version + 5, documents={OTHER: {}})
        assert archive.picture(of_later).documents == found.documents

    def test_rows_of_an_older_version_are_read_too(
        self, archive: SqlArchive, store: Store, lease: Lease
    ) -> None:
        store.commit(Changes(executions=(row(),), snapshot='{"id":"s"}'), lease)
        assert archive.picture(None).snapshot == '{"id":"s"}'


class TestBeat:
    def test_it_is_seen_and_leaves_the_version(
        self, archive: SqlArchive, store: Store, lease: Lease
    ) -> None:
        before = archive.picture(None)
        pulse = Pulse(at=AT, interval_s=30, commit="c" * 40, problem="", tried_at=AT)
        ran = PassRow(
            at=AT,
            duration_ms=12,
            commit="c" * 40,
            running=1,
            waiting=2,
            actions=3,
            failures=0,
            cpu_millis=4000,
            cpu_reserved_millis=500,
            memory_bytes=2**40,
            memory_reserved_bytes=2**20,
            stages_ms={"read": 2, "assess": 10},
        )
        store.beat(pulse, ran, lease)
        store.beat(replace(pulse, at=later(seconds=30)), None, lease)
        found = archive.picture(before)
        assert found.pulse == replace(pulse, at=later(seconds=30))
        assert found.version == before.version
        assert archive.passes(since=AT, limit=5) == (ran,)
        assert archive.passes(since=later(seconds=1), limit=5) == ()

    def test_the_newest_passes_come_oldest_first(
        self, archive: SqlArchive, store: Store, lease: Lease
    ) -> None:
        others = PassRow.__dataclass_fields__.keys() - {"at", "commit", "stages_ms"}
        amounts = dict.fromkeys(others, 0)
        for number in range(4):
            ran = PassRow(at=later(seconds=number), commit="", **amounts)
            store.beat(Pulse(at=AT, interval_s=30), ran, lease)
        found = archive.passes(since=AT, limit=2)
        assert [one.at for one in found] == [later(seconds=2), later(seconds=3)]


class TestCommits:
    def test_they_come_newest_first_a_page_at_a_time(
        self, archive: SqlArchive, store: Store, lease: Lease
    ) -> None:
        rows = [
            commit("a", delta=Delta(added=("lab/x", "lab/y")), pull=7, signer="ann"),
            commit("b", hold="Unsigned", told="sign it"),
            commit("c", delta=Delta(changed=("lab/x",), removed=("lab/y",)), problems=2),
        ]
        for one in rows:
            store.commit(recorded(commits=(one,)), lease)
        newest = archive.commits(limit=2)
        assert [one for _, one in newest] == [rows[2], rows[1]]
        assert [one for _, one in archive.commits(before=newest[-1][0], limit=2)] == [rows[0]]
        assert archive.commits_until(newest[0][0]) == (rows[0], rows[2])

    def test_one_that_was_held_back_and_is_accepted_then_is_there_once(
        self, archive: SqlArchive, store: Store, lease: Lease
    ) -> None:
        held = commit("b", hold="NonDescendant", told="zoe confirm")
        for one in (commit("a"), held, commit("c"), commit("b")):
            store.commit(recorded(commits=(one,)), lease)
        assert [one.id[0] for _, one in archive.commits(limit=9)] == ["b", "c", "a"]

    @pytest.mark.parametrize("revision", ["b" * 7, "b" * 40])
    def test_one_is_found_by_its_beginning(
        self, archive: SqlArchive, store: Store, lease: Lease, revision: str
    ) -> None:
        for one in (commit("a"), commit("b")):
            store.commit(recorded(commits=(one,)), lease)
        found = archive.commit(revision)
        assert found is not None
        assert found[1] == commit("b")

    @pytest.mark.parametrize("revision", ["", "b" * 6, "b" * 41, "%" * 7, "_" * 40, "é" * 7])
    def test_nothing_is_found_by_less(
        self, archive: SqlArchive, store: Store, lease: Lease, revision: str
    ) -> None:
        store.commit(recorded(commits=(commit("b"),)), lease)
        assert archive.commit(revision) is None

    def test_what_forgotten_ones_asked_for_stays_counted(
        self, archive: SqlArchive, store: Store, lease: Lease, store_clock: FixedClock
    ) -> None:
        deltas = [
            Delta(added=("lab/x", "lab/y")),
            Delta(added=("lab/z",), removed=("lab/x",)),
            Delta(added=("lab/new",)),
        ]
        for days, delta in enumerate(deltas):
            one = commit(str(days), seen_at=later(days=days * 10), delta=delta)
            store.commit(recorded(commits=(one,)), lease)
        old = commit("9", seen_at=AT, hold="Unsigned")
        store.commit(recorded(commits=(old,)), lease)
        for days in (101, 105):  # twice: a base is folded as any other
            store_clock.time = later(days=days)
            store.forget()
        ((number, kept),) = archive.commits(limit=9)
        assert kept.id == "2" * 40
        base, newest = archive.commits_until(number)
        assert (base.delta.added, newest.delta.added) == (("lab/y", "lab/z"), ("lab/new",))
        assert archive.commit("1" * 40) is None


class TestIntervals:
    def test_those_that_touch_a_time_are_returned_whole(
        self, archive: SqlArchive, store: Store, lease: Lease
    ) -> None:
        def held(start: int, end: int | None, uid: Uid = UID) -> Interval:
            return Interval(
                uid=uid,
                namespace="lab",
                name="a",
                zapp="spark",
                labels=(("team", "x"),),
                since=later(hours=start),
                until=None if end is None else later(hours=end),
                cpu_millis=500,
                memory_bytes=2**40,
                generic=(("gpu", 1),),
            )

        rows = (held(0, 1), held(1, 3), held(3, None), held(4, None, OTHER))
        store.commit(recorded(intervals=rows), lease)
        assert archive.intervals(since=later(hours=1), until=later(hours=4)) == rows[1:3]
        times = {"since": later(hours=1), "until": later(hours=4)}
        assert archive.intervals(**times, namespace="lab") == rows[1:3]
        assert archive.intervals(**times, namespace="other") == ()
        hours = 2 + 1  # of the second, and of the one that goes on
        assert archive.used(**times) == {"lab": 500 * 3600 * hours}
        assert archive.used(since=later(hours=-2), until=later(hours=-1)) == {}
        assert store.load().recorded.intervals == {UID: rows[2], OTHER: rows[3]}
        store.commit(recorded(intervals=(replace(rows[2], until=later(hours=5)),)), lease)
        assert store.load().recorded.intervals == {OTHER: rows[3]}


class TestFacts:
    def test_they_are_found_by_run_commit_and_time(
        self, archive: SqlArchive, store: Store, lease: Lease
    ) -> None:
        first = Entry(uid=UID, run=1, fact=Fact.FIRST_SEEN, at=AT)
        brought = Entry(
            uid=UID, run=1, fact=Fact.GENERATION, at=later(hours=1), commit="c", generation=1
        )
        held = Entry(uid=OTHER, run=1, fact=Fact.HELD, at=later(hours=2), by="ann", told="disk")
        numbered = store.commit(Changes(facts=(first, brought, held)), lease)
        assert archive.entries([UID]) == numbered[:2]
        assert archive.entries([]) == ()
        assert archive.entries_of("c", limit=5) == numbered[1:2]
        assert archive.ends(since=later(minutes=30)) == numbered[1:2]

    def test_events_come_a_page_at_a_time_either_way(
        self, archive: SqlArchive, store: Store, lease: Lease
    ) -> None:
        told = tuple(
            Event(at=AT, reason="R", message=f"{n}", namespace="lab", name=f"j{n % 2}")
            for n in range(5)
        )
        store.commit(Changes(events=told), lease)

        def messages(**asked: object) -> str:
            return "".join(event.message for event in archive.events(**asked))

        assert messages(limit=2) == "43"
        assert messages(before=archive.events(limit=2)[-1].id, limit=2) == "21"
        assert messages(after=archive.events(limit=9)[-1].id, limit=2) == "12"
        assert messages(namespace="lab", name="j1", limit=9) == "31"
        assert messages(namespace="else", limit=9) == ""

    def test_events_are_forgotten_after_ninety_days(
        self, archive: SqlArchive, store: Store, lease: Lease, store_clock: FixedClock
    ) -> None:
        told = [Event(at=later(days=n), reason="R", message=f"{n}") for n in (0, 1, 2)]
        store.commit(Changes(events=tuple(told)), lease)
        store_clock.time = later(days=91)
        store.forget()
        assert [event.message for event in archive.events(limit=9)] == ["2", "1"]


class TestLogs:
    def harvest(self, uid: Uid) -> Harvest:
        return Harvest(
            uid=uid,
            attempt=1,
            component="main",
            node="n1",
            exit_code=1,
            error="",
            log_tail="password",
            at=AT,
        )

    def test_harvests_have_their_log_only_where_the_namespace_shows_it(
        self, archive: SqlArchive, store: Store, lease: Lease
    ) -> None:
        shown, hidden = self.harvest(UID), self.harvest(OTHER)
        boards = {"namespaces": {"lab": {"page": {"logs": True}}, "else": {"page": {}}}}
        store.commit(
            replace(
                recorded(boards=boards),
                executions=(row(), row(OTHER, namespace="else")),
                harvests=(shown, hidden),
            ),
            lease,
        )
        assert archive.harvests(UID) == (shown,)
        assert archive.harvests(OTHER) == (replace(hidden, log_tail=""),)
        store.commit(recorded(boards={"namespaces": {}}), lease)
        assert archive.harvests(UID) == (replace(shown, log_tail=""),)

    def test_harvests_of_runs_that_are_told_of_outlast_the_others(
        self, store: Store, lease: Lease, store_clock: FixedClock
    ) -> None:
        kept, orphan, young = (
            self.harvest(UID),
            self.harvest(OTHER),
            replace(self.harvest(OTHER), attempt=2, at=later(days=50)),
        )
        store.commit(Changes(executions=(row(),), harvests=(kept, orphan, young)), lease)
        store_clock.time = later(days=91)
        store.forget()
        assert store.harvests(UID) == (kept,)
        assert store.harvests(OTHER) == (young,)

    def test_who_is_looked_at_is_told_for_a_while(
        self, archive: SqlArchive, store: Store, lease: Lease, store_clock: FixedClock
    ) -> None:
        store.commit(Changes(executions=(row(), row(OTHER))), lease)
        version = store.state_version()
        for uid in (UID, OTHER, Uid("unknown"), UID):
            archive.look_at(uid)
            store_clock.time += timedelta(seconds=1)
        since = store_clock.time - timedelta(seconds=30)
        assert store.looked_at(since=since, limit=5) == (UID, OTHER)
        assert store.looked_at(since=since, limit=1) == (UID,)
        assert store.looked_at(since=store_clock.time, limit=5) == ()
        assert store.state_version() == version

    def test_the_newest_tail_of_a_component_on_a_node_is_kept(
        self, archive: SqlArchive, store: Store
    ) -> None:
        tail = Tail(uid=UID, component="main", node="n1", text="a\0", at=AT)
        newer = replace(tail, text="b", at=later(seconds=2))
        beside = replace(tail, component="web", text="c")
        store.write_tails([tail, beside], keep_since=AT)
        store.write_tails([newer], keep_since=AT)
        assert archive.tails(UID) == (newer, beside)
        store.write_tails([], keep_since=later(seconds=1))
        assert archive.tails(UID) == (newer,)


def test_plans_come_newest_first_and_by_subject(
    archive: SqlArchive, store: Store, lease: Lease
) -> None:
    def plan(pull: int) -> PostedPlan:
        return PostedPlan(
            source_id="main",
            subject=f"pull/{pull}",
            pull=pull,
            head="h",
            base="b",
            tree="t",
            plan={"actions": []},
            body="text",
            at=later(hours=pull),
        )

    store.commit(Changes(posted=(plan(1), plan(3), plan(2))), lease)
    assert archive.plans(limit=2) == (plan(3), plan(2))
    assert archive.plan("pull/1") == plan(1)
    assert archive.plan("pull/9") is None


class TestWait:
    def test_a_newer_version_ends_it_at_once(
        self, archive: SqlArchive, store: Store, lease: Lease
    ) -> None:
        known = archive.state_version()
        store.commit(Changes(executions=(row(),)), lease)
        assert archive.wait(30, known=known)

    def test_a_commit_wakes_it(self, archive: SqlArchive, store: Store, lease: Lease) -> None:
        answers: list[bool] = []
        known = archive.state_version()
        thread = threading.Thread(target=lambda: answers.append(archive.wait(30, known=known)))
        thread.start()
        store.commit(Changes(executions=(row(),)), lease)
        thread.join(20)
        assert answers == [True]

    def test_without_a_change_the_time_runs_out(self, archive: SqlArchive) -> None:
        assert not archive.wait(0.05, known=archive.state_version())


def test_before_the_loop_made_the_tables_it_says_so(
    empty_database_url: str, open_archive: OpenArchive, open_store: OpenStore
) -> None:
    archive = open_archive(empty_database_url)
    calls = (archive.state_version, lambda: archive.picture(None), lambda: archive.look_at(UID))
    for call in calls:
        with pytest.raises(StoreUnavailable, match="zoe run hasn't prepared it yet"):
            call()
    open_store(empty_database_url).migrate()
    assert archive.picture(None).version == 0
