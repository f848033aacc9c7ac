"""What every store promises (``reconciler.ports.Store``): SQLite, PostgreSQL, and in memory."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from policy.model.execution import Allocation, ApplicationType, NodeId, Uid
from policy.model.resources import Resources
from policy.model.tenant import Usage
from reconciler.converge.accounting import Progress, Use
from reconciler.converge.history import Runtime
from reconciler.converge.idleness import Activity
from reconciler.converge.ledger import Entry, Fact
from reconciler.converge.world import HoldRequest
from reconciler.errors import InvariantViolated, LeaseLost
from reconciler.manifest.spec import ExecutionSpec, Service
from reconciler.ports import Lease, Store
from reconciler.reporting.records import Event, Harvest
from reconciler.source.probation import Trial
from reconciler.stored import Changes, ExecutionRow, FrozenSpec, GoodFile
from tests.fixtures.postgres import DIALECTS, FixedClock, OpenStore

AT = datetime(2026, 1, 1, 10, 30, 0, 123_000, tzinfo=UTC)
UID = Uid("00000000000000aa")
OTHER = Uid("00000000000000bb")


@pytest.fixture(params=[*DIALECTS, "memory"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of a database: these tests also keep the one in memory honest."""
    return request.getfixturevalue(f"{request.param}_url")


def entry(fact: Fact = Fact.FIRST_SEEN, uid: Uid = UID, **fields: object) -> Entry:
    return Entry(**{"uid": uid, "run": 1, "fact": fact, "at": AT, **fields})


def row(uid: Uid = UID, **fields: object) -> ExecutionRow:
    known = {
        "uid": uid,
        "namespace": "lab",
        "name": f"job-{uid[-2:]}",
        "run": 1,
        "source_id": "main",
        "phase": "Queued",
        "reason": "NoCapacity",
        "status": {"phase": "Queued", "conditions": [{"type": "Ready", "status": False}]},
        "updated_at": AT,
    }
    return ExecutionRow(**{**known, **fields})


def frozen(uid: Uid = UID, generation: int = 1) -> FrozenSpec:
    service = Service(
        name="main",
        image="busybox",
        environment=(("NAME", "Grüße"),),
        reservations=Resources.of(cpu_millis=500, generic=(("gpu", 1),)),
    )
    spec = ExecutionSpec(type=ApplicationType.BATCH, services=(service,), lifetime_ms=60_000)
    return FrozenSpec(uid=uid, generation=generation, spec_hash="abc", spec=spec)


def group(node: str, count: int = 1, component: str = "main") -> Allocation:
    return Allocation(component=component, node=NodeId(node), count=count)


def harvest(component: str = "main", **fields: object) -> Harvest:
    known = {
        "uid": UID,
        "attempt": 1,
        "component": component,
        "node": "n1",
        "exit_code": 0,
        "error": "",
        "log_tail": "done\n",
        "at": AT,
    }
    return Harvest(**{**known, **fields})


EVERYTHING = Changes(
    facts=(entry(), entry(Fact.ADMITTED, generation=1, spec_hash="abc")),
    frozen=(frozen(),),
    placements={UID: (group("n2", 2), group("n1"))},
    executions=(row(),),
    events=(Event(at=AT, reason="Queued", message="waits", uid=UID),),
    harvests=(harvest(),),
    good_files=(GoodFile(source_id="main", path="executions/lab/a.yaml", blob="b1", commit="c1"),),
    accepted={"main": "c1"},
    snapshot="{}",
    published={"status/lab/a.yaml": "d1"},
)


class TestCommitAndLoad:
    def test_an_empty_store_loads_as_nothing(self, store: Store) -> None:
        stored = store.load()
        assert (stored.entries, stored.frozen, stored.executions, stored.good_files) == ((),) * 4
        assert (stored.placements, stored.accepted, stored.published) == ({}, {}, {})
        assert stored.snapshot is None

    def test_what_is_committed_is_loaded(self, store: Store, lease: Lease) -> None:
        numbered = store.commit(EVERYTHING, lease)
        stored = store.load()
        assert stored.entries == numbered
        assert stored.frozen == EVERYTHING.frozen
        assert stored.placements == EVERYTHING.placements
        assert stored.executions == EVERYTHING.executions
        assert stored.good_files == EVERYTHING.good_files
        assert stored.accepted == EVERYTHING.accepted
        assert stored.snapshot == EVERYTHING.snapshot
        assert stored.published == EVERYTHING.published
        assert stored.state_version == store.state_version()

    def test_it_survives_the_process(
        self, open_store: OpenStore, database_url: str, lease: Lease, store: Store
    ) -> None:
        store.commit(EVERYTHING, lease)
        assert open_store(database_url).load() == store.load()

    def test_times_come_back_in_utc(self, store: Store, lease: Lease) -> None:
        paris = AT.astimezone(timezone(timedelta(hours=1)))
        changes = Changes(facts=(entry(at=paris),), executions=(row(updated_at=paris),))
        store.commit(changes, lease)
        stored = store.load()
        assert stored.entries[0].at == AT
        assert stored.entries[0].at.tzinfo is UTC
        assert stored.executions[0].updated_at.tzinfo is UTC

    def test_a_row_without_a_time_gets_the_clocks(
        self, store: Store, lease: Lease, store_clock: FixedClock
    ) -> None:
        store.commit(Changes(executions=(row(updated_at=None),)), lease)
        assert store.load().executions[0].updated_at == store_clock.time

    def test_parts_that_name_nothing_remove(self, store: Store, lease: Lease) -> None:
        store.commit(EVERYTHING, lease)
        gone = replace(EVERYTHING.good_files[0], blob="")
        changes = Changes(
            placements={UID: ()}, good_files=(gone,), published={"status/lab/a.yaml": None}
        )
        store.commit(changes, lease)
        stored = store.load()
        assert (stored.placements, stored.good_files, stored.published) == ({}, (), {})
        assert stored.executions == EVERYTHING.executions

    def test_parts_that_arent_named_stay(self, store: Store, lease: Lease) -> None:
        store.commit(Changes(placements={UID: (group("n1"),), OTHER: (group("n2"),)}), lease)
        store.commit(Changes(placements={UID: (group("n3"),)}), lease)
        assert store.load().placements == {UID: (group("n3"),), OTHER: (group("n2"),)}

    def test_what_is_forgotten_is_in_the_ledger_and_nowhere_else(
        self, store: Store, lease: Lease
    ) -> None:
        kept = Changes(facts=(entry(uid=OTHER),), executions=(row(OTHER),), frozen=(frozen(OTHER),))
        store.commit(EVERYTHING, lease)
        store.commit(kept, lease)
        store.commit(Changes(forgotten=(UID,)), lease)
        stored = store.load()
        assert [row.uid for row in stored.executions] == [OTHER]
        assert [frozen.uid for frozen in stored.frozen] == [OTHER]
        assert {entry.uid for entry in stored.entries} == {UID, OTHER}
        assert store.harvests(UID) == ()

    def test_what_is_expired_is_nowhere(self, store: Store, lease: Lease) -> None:
        kept = Changes(facts=(entry(uid=OTHER),), executions=(row(OTHER),), frozen=(frozen(OTHER),))
        store.commit(EVERYTHING, lease)
        store.commit(kept, lease)
        store.commit(Changes(expired=(UID,)), lease)
        stored = store.load()
        assert [row.uid for row in stored.executions] == [OTHER]
        assert {entry.uid for entry in stored.entries} == {OTHER}
        assert store.harvests(UID) == ()
        (later,) = store.commit(Changes(facts=(entry(uid=UID),)), lease)
        assert later.seq > stored.entries[-1].seq

    def test_a_later_value_replaces_the_earlier(self, store: Store, lease: Lease) -> None:
        store.commit(EVERYTHING, lease)
        changed = row(phase="Running", status={"phase": "Running"})
        store.commit(Changes(executions=(changed,), accepted={"main": "c2"}, snapshot="new"), lease)
        stored = store.load()
        assert stored.executions == (changed,)
        assert stored.accepted == {"main": "c2"}
        assert stored.snapshot == "new"

    def test_a_row_that_is_equal_isnt_written(self, store: Store, lease: Lease) -> None:
        store.commit(Changes(executions=(row(),)), lease)
        later = AT + timedelta(hours=1)
        changed = row(OTHER, updated_at=later)
        store.commit(Changes(executions=(row(updated_at=later), changed)), lease)
        assert store.load().executions == (row(), changed)

    def test_a_status_with_its_keys_in_another_order_is_equal(
        self, store: Store, lease: Lease
    ) -> None:
        store.commit(Changes(executions=(row(status={"a": 1, "b": 2}),)), lease)
        again = row(status={"b": 2, "a": 1}, updated_at=AT + timedelta(hours=1))
        store.commit(Changes(executions=(again,)), lease)
        assert store.load().executions[0].updated_at == AT

    def test_text_that_no_database_takes_is_stored_without_it(
        self, store: Store, lease: Lease
    ) -> None:
        changes = Changes(
            harvests=(harvest(log_tail="a\0b\ud800ü"),),
            executions=(row(status={"m\0": ["x\0\ud83d", "C:\\u0000"]}),),
        )
        store.commit(changes, lease)
        assert store.harvests(UID)[0].log_tail == "a\N{REPLACEMENT CHARACTER}b?ü"
        mark = "\N{REPLACEMENT CHARACTER}"
        assert store.load().executions[0].status == {f"m{mark}": [f"x{mark}?", "C:\\u0000"]}


class TestLedger:
    def test_facts_are_numbered_in_their_order(self, store: Store, lease: Lease) -> None:
        first = store.commit(Changes(facts=tuple(entry(attempt=n) for n in range(1_500))), lease)
        second = store.commit(Changes(facts=(entry(Fact.ADMITTED),)), lease)
        numbers = [fact.seq for fact in (*first, *second)]
        assert numbers == sorted(set(numbers))
        assert [fact.attempt for fact in first] == list(range(1_500))
        assert store.load().entries == (*first, *second)

    def test_facts_carry_the_epoch_that_wrote_them(self, store: Store, lease: Lease) -> None:
        own, brought = store.commit(Changes(facts=(entry(), entry(epoch=7))), lease)
        assert (own.epoch, brought.epoch) == (lease.epoch, 7)

    def test_an_exit_code_of_zero_isnt_no_exit_code(self, store: Store, lease: Lease) -> None:
        store.commit(Changes(facts=(entry(code=0), entry())), lease)
        assert [fact.code for fact in store.load().entries] == [0, None]


class TestAtomicity:
    def test_a_part_that_fails_takes_all_with_it(self, store: Store, lease: Lease) -> None:
        store.commit(EVERYTHING, lease)
        before = store.load()
        # Each is refused by the database itself, after other parts were written.
        twice = {UID: (group("n1"), group("n1"))}
        nothing = {UID: (group("n1", count=0),)}
        for placements in (twice, nothing):
            changes = Changes(
                facts=(entry(Fact.FINISHED, reason="Completed"),),
                frozen=(frozen(OTHER),),
                placements=placements,
            )
            with pytest.raises(InvariantViolated):
                store.commit(changes, lease)
        assert store.load() == before

    def test_a_reader_sees_all_of_a_commit_or_nothing(
        self, store: Store, lease: Lease, open_store: OpenStore, database_url: str
    ) -> None:
        reader = open_store(database_url)
        seen: set[tuple[int, ...]] = set()
        started, stop = threading.Event(), threading.Event()

        def read() -> None:
            while not stop.is_set():
                stored = reader.load()
                phases = {execution.phase for execution in stored.executions}
                seen.add((len(stored.executions), len(phases), len(stored.entries)))
                started.set()

        thread = threading.Thread(target=read)
        thread.start()
        try:
            assert started.wait(10)
            for number in range(5):
                rows = tuple(row(Uid(f"{n:016x}"), phase=f"P{number}") for n in range(500))
                store.commit(Changes(facts=(entry(),) * 100, executions=rows), lease)
        finally:
            stop.set()
            thread.join(30)
        assert seen <= {(0, 0, 0), *((500, 1, 100 * n) for n in range(1, 6))}
        assert len(seen) > 1


class TestVersion:
    def test_it_rises_with_each_commit(self, store: Store, lease: Lease) -> None:
        versions = [store.state_version()]
        for _ in range(3):
            store.commit(Changes(facts=(entry(),)), lease)
            versions.append(store.state_version())
        assert versions == sorted(set(versions))

    def test_it_rises_with_a_confirmation(self, store: Store) -> None:
        before = store.state_version()
        store.confirm("c1", by="ann", at=AT)
        assert store.state_version() > before

    def test_no_change_no_new_version(self, store: Store, lease: Lease) -> None:
        before = store.state_version()
        assert store.commit(Changes(), lease) == ()
        store.request_pass("main")
        store.take_wanted()
        store.renew_lease(lease, ttl_s=60)
        assert store.state_version() == before


class TestLease:
    def test_only_one_holds_it(
        self, store: Store, open_store: OpenStore, database_url: str
    ) -> None:
        assert store.acquire_lease("here", ttl_s=60) is not None
        assert open_store(database_url).acquire_lease("there", ttl_s=60) is None

    def test_its_holder_enters_again_in_the_same_epoch(self, store: Store, lease: Lease) -> None:
        again = store.acquire_lease("here", ttl_s=120)
        assert again is not None
        assert again.epoch == lease.epoch
        assert again.expires_at > lease.expires_at

    def test_it_ends_by_the_databases_clock(self, store: Store) -> None:
        before = store.acquire_lease("here", ttl_s=-1)
        after = store.acquire_lease("there", ttl_s=60)
        assert before is not None
        assert after is not None
        assert after.epoch == before.epoch + 1

    def test_once_given_up_it_is_free(self, store: Store, lease: Lease) -> None:
        store.release_lease(lease)
        taken = store.acquire_lease("there", ttl_s=60)
        assert taken is not None
        assert taken.epoch > lease.epoch

    def test_renewing_lets_it_last(self, store: Store, lease: Lease) -> None:
        renewed = store.renew_lease(lease, ttl_s=600)
        assert renewed.epoch == lease.epoch
        assert renewed.expires_at - lease.expires_at > timedelta(minutes=8)

    def test_who_lost_it_can_neither_write_nor_renew(self, store: Store) -> None:
        stale = store.acquire_lease("here", ttl_s=-1)
        assert stale is not None
        assert store.acquire_lease("there", ttl_s=60) is not None
        before = store.load()
        with pytest.raises(LeaseLost, match="here"):
            store.commit(EVERYTHING, stale)
        with pytest.raises(LeaseLost):
            store.commit(Changes(), stale)
        with pytest.raises(LeaseLost):
            store.renew_lease(stale, ttl_s=60)
        assert store.load() == before

    def test_who_lost_it_gives_nothing_up(self, store: Store) -> None:
        stale = store.acquire_lease("here", ttl_s=-1)
        held = store.acquire_lease("there", ttl_s=60)
        assert stale is not None
        assert held is not None
        store.release_lease(stale)
        store.commit(Changes(facts=(entry(),)), held)

    def test_who_gave_it_up_writes_no_more(self, store: Store, lease: Lease) -> None:
        store.release_lease(lease)
        with pytest.raises(LeaseLost):
            store.commit(EVERYTHING, lease)
        assert store.load().entries == ()

    def test_of_many_that_race_for_it_one_wins(
        self, open_store: OpenStore, database_url: str
    ) -> None:
        stores = [open_store(database_url) for _ in range(4)]
        together = threading.Barrier(len(stores))
        won: list[Lease] = []

        def race(number: int) -> None:
            together.wait(10)
            lease = stores[number].acquire_lease(f"holder-{number}", ttl_s=60)
            if lease is not None:
                won.append(lease)

        run_all(threading.Thread(target=race, args=(number,)) for number in range(len(stores)))
        assert [lease.epoch for lease in won] == [1]


class TestWanted:
    def test_requests_of_a_source_are_one(self, store: Store) -> None:
        for source in ("main", "tenant", "main"):
            store.request_pass(source)
        assert store.take_wanted() == ("main", "tenant")
        assert store.take_wanted() == ()

    def test_a_request_survives_both_sides(
        self, store: Store, open_store: OpenStore, database_url: str
    ) -> None:
        store.request_pass("main")
        later = open_store(database_url)
        assert later.wait_for_wanted(0)
        assert later.take_wanted() == ("main",)

    def test_without_a_request_the_time_runs_out(self, store: Store) -> None:
        assert not store.wait_for_wanted(0.05)

    def test_a_request_wakes_who_waits(
        self, store: Store, open_store: OpenStore, database_url: str
    ) -> None:
        # A store that waits for much longer than the test, and one that asks.
        woken = threading.Event()
        waiting = threading.Thread(target=lambda: store.wait_for_wanted(60) and woken.set())
        waiting.start()
        open_store(database_url).request_pass("main")
        assert woken.wait(5)
        waiting.join(5)

    def test_none_is_lost_between_asking_and_taking(
        self, store: Store, open_store: OpenStore, database_url: str
    ) -> None:
        asking = open_store(database_url)
        taken: list[str] = []
        done = threading.Event()

        def take() -> None:
            while not done.is_set():
                taken.extend(store.take_wanted())
            taken.extend(store.take_wanted())

        thread = threading.Thread(target=take)
        thread.start()
        names = [f"source-{number}" for number in range(50)]
        for name in names:
            asking.request_pass(name)
        done.set()
        thread.join(30)
        assert sorted(taken) == sorted(names)

    def test_closing_ends_the_wait(self, open_store: OpenStore, database_url: str) -> None:
        waiting = open_store(database_url, poll_s=30)
        answers: list[bool] = []
        thread = threading.Thread(target=lambda: answers.append(waiting.wait_for_wanted(60)))
        thread.start()
        waiting.close()
        thread.join(10)
        assert answers == [False]


class TestHistory:
    def test_events_come_newest_last_and_filtered(self, store: Store, lease: Lease) -> None:
        told = tuple(
            Event(
                at=AT + timedelta(seconds=number),
                reason="Queued",
                message=f"{number}",
                uid=UID if number % 2 else OTHER,
                namespace="lab",
                name=f"job-{number % 3}",
                commit="c1",
                is_warning=number == 3,
            )
            for number in range(6)
        )
        store.commit(Changes(events=told), lease)

        def messages(**filters: object) -> list[str]:
            return [event.message for event in store.events(**filters)]

        assert messages() == ["0", "1", "2", "3", "4", "5"]
        assert messages(limit=2) == ["4", "5"]
        assert messages(uid=UID) == ["1", "3", "5"]
        assert messages(namespace="lab", name="job-0") == ["0", "3"]
        assert messages(namespace="else") == []
        found = store.events(uid=UID, limit=2)[0]
        assert replace(found, id=0) == told[3]
        assert found.id > 0

    def test_harvests_come_oldest_first(self, store: Store, lease: Lease) -> None:
        late = harvest("a", at=AT + timedelta(minutes=1), exit_code=137, error="killed")
        lost = harvest("c", at=AT + timedelta(minutes=2), exit_code=None)
        early = harvest("b")
        store.commit(Changes(harvests=(late, lost, early)), lease)
        assert store.harvests(UID) == (early, late, lost)
        assert store.harvests(OTHER) == ()

    def test_of_a_harvest_written_again_the_first_stays(self, store: Store, lease: Lease) -> None:
        for tail in ("all of it", ""):
            store.commit(Changes(harvests=(harvest(log_tail=tail),)), lease)
        assert store.harvests(UID) == (harvest(log_tail="all of it"),)

    def test_confirmations_last(self, store: Store) -> None:
        for commit, by in (("c1", "ann"), ("c2", "bob"), ("c1", "bob")):
            store.confirm(commit, by=by, at=AT)
        assert store.confirmations() == {"c1", "c2"}

    def test_of_what_operators_ask_for_a_name_the_newest_counts(self, store: Store) -> None:
        first = HoldRequest(namespace="lab", name="a", by="ann", told="broken disk", at=AT)
        let_go = replace(first, by="bob", told="", at=AT + timedelta(minutes=1), is_release=True)
        other = replace(first, name="b", told="é")
        before = store.state_version()
        for asked in (first, other, let_go):
            store.ask_hold(asked)
        assert store.hold_requests() == (let_go, other) == store.load().hold_requests
        assert store.state_version() > before

    def test_facts_keep_who_said_them_and_what_brought_them(
        self, store: Store, lease: Lease
    ) -> None:
        held = replace(
            entry(Fact.HELD), reason="HeldByOperator", by="ann", told="the disk", commit="c" * 40
        )
        store.commit(Changes(facts=(held, entry(Fact.RELEASED))), lease)
        first, second = store.load().entries
        assert (first.by, first.told, first.commit) == ("ann", "the disk", "c" * 40)
        assert (second.by, second.told, second.commit) == ("", "", "")


def run_all(threads: Iterator[threading.Thread]) -> None:
    running = list(threads)
    for thread in running:
        thread.start()
    for thread in running:
        thread.join(30)


def test_accounts_come_back_as_they_were_written(store: Store, lease: Lease) -> None:
    done = Progress(work=2**53, as_of_ms=5, rate=1500, grown_ms=3)
    # A terabyte for a year, in bytes times milliseconds: more than 64 bits hold.
    usage = Usage(as_of_ms=7, amounts=(("cpu", 4000), ("memory", 2**40 * 31_536_000_000)))
    used = Use(usage=usage, held=(("cpu", 500), ("gpu", 1)))
    store.commit(Changes(progress={UID: done, OTHER: done}, usage={"lab": used}), lease)
    newer = replace(done, shrunk_ms=9)
    store.commit(Changes(progress={UID: newer, OTHER: None}), lease)
    stored = store.load()
    assert (stored.progress, stored.usage) == ({UID: newer}, {"lab": used})


def test_only_the_newest_runtimes_of_an_application_are_kept(store: Store, lease: Lease) -> None:
    def ran(milliseconds: int, application: str = "spark") -> Runtime:
        return Runtime(
            namespace="lab", application=application, ended_at=AT, runtime_ms=milliseconds
        )

    store.commit(Changes(runtimes=(ran(1, "mpi"), *map(ran, range(40)))), lease)
    store.commit(Changes(runtimes=tuple(map(ran, range(40, 60)))), lease)
    found = store.load().runtimes
    assert found == (ran(1, "mpi"), *map(ran, range(10, 60)))


def test_what_is_known_of_use_is_replaced_by_run_and_forgotten(store: Store) -> None:
    known = Activity(uid=UID, attempt=2, idle_since=AT, answered_at=AT + timedelta(minutes=1))
    silent = Activity(uid=OTHER, attempt=1, unknown_since=AT, why="no answer: naïve")
    version = store.state_version()
    store.write_activities([known, silent], gone=())
    assert store.activities() == (known, silent)
    newer = replace(known, answered_at=AT + timedelta(minutes=2))
    store.write_activities([newer], gone=[OTHER])
    assert store.activities() == (newer,)
    assert store.state_version() == version


class TestTrials:
    def test_what_is_written_down_is_there_for_the_next_process(self, store: Store) -> None:
        one = Trial(source_id="main", blob="b1", tries=1, alone=0, together=2, by="p", version="1")
        other = replace(one, blob="b2")
        store.write_trials([one, other], gone=())
        assert store.trials() == (one, other)

    def test_it_is_replaced_and_struck_out(self, store: Store) -> None:
        one = Trial(source_id="main", blob="b1", tries=1, by="p", version="1")
        other = replace(one, source_id="tenant")
        store.write_trials([one, other], gone=())
        store.write_trials([replace(one, tries=2)], gone=[other.key])
        assert store.trials() == (replace(one, tries=2),)

    def test_it_makes_no_new_version(self, store: Store) -> None:
        before = store.state_version()
        store.write_trials([Trial(source_id="main", blob="b1")], gone=())
        assert store.state_version() == before
