"""What every store promises of being filled from what was published (``Store.restore``)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from policy.model.execution import Allocation, NodeId, Uid
from reconciler.converge.ledger import Entry, Fact
from reconciler.converge.world import HoldRequest
from reconciler.errors import InvariantViolated, LeaseLost
from reconciler.ports import Lease, Store
from reconciler.recovery.restoration import Restoration
from reconciler.stored import Changes, ExecutionRow, GoodFile

AT = datetime(2026, 1, 1, 10, 30, tzinfo=UTC)
UID = Uid("00000000000000aa")


def entry(seq: int, fact: Fact = Fact.FIRST_SEEN, **fields: object) -> Entry:
    return Entry(**{"seq": seq, "uid": UID, "run": 1, "fact": fact, "at": AT, "epoch": 3, **fields})


def hold(name: str, at: datetime = AT, told: str = "why") -> HoldRequest:
    return HoldRequest(namespace="lab", name=name, by="ada", at=at, told=told)


ROW = ExecutionRow(
    uid=UID,
    namespace="lab",
    name="job",
    run=1,
    source_id="main",
    phase="Running",
    reason="",
    status={"phase": "Running"},
    updated_at=AT,
)
REST = Changes(
    executions=(ROW,),
    placements={UID: (Allocation(component="main", node=NodeId("n1"), count=1),)},
    good_files=(GoodFile(source_id="main", path="a.yaml", blob="b1", commit="c1"),),
    accepted={"main": "c1", "theirs": "c2"},
    published={"status/lab/a.yaml": "d1"},
)
# Numbers have holes: a transaction that was rolled back takes some with it.
FACTS = (entry(4), entry(7, Fact.ADMITTED, generation=1), entry(1000, Fact.ATTEMPT_INTENDED))
PUBLISHED = Restoration(
    facts=FACTS, epoch=5, rest=REST, confirmed=("c9",), holds=(hold("job"),), by="ann"
)


def test_facts_keep_their_numbers_and_epochs(store: Store, lease: Lease) -> None:
    store.restore(PUBLISHED, lease)
    stored = store.load()
    assert stored.entries == FACTS
    assert stored.executions == REST.executions
    assert (stored.placements, stored.accepted) == (REST.placements, REST.accepted)
    assert (stored.good_files, stored.published) == (REST.good_files, REST.published)
    assert stored.hold_requests == (hold("job"),)
    assert store.confirmations() == {"c9"}


def test_the_next_fact_comes_after_all_of_them(store: Store, lease: Lease) -> None:
    led = store.restore(PUBLISHED, lease)
    (next_, after) = store.commit(Changes(facts=(entry(0), entry(0))), led)
    assert 1000 < next_.seq < after.seq


def test_whoever_led_before_can_write_no_more(store: Store, lease: Lease) -> None:
    led = store.restore(PUBLISHED, lease)
    assert led.epoch > max(PUBLISHED.epoch, lease.epoch)
    assert led.lasts_until_s == lease.lasts_until_s
    with pytest.raises(LeaseLost):
        store.commit(Changes(facts=(entry(0),)), lease)
    assert store.renew_lease(led, ttl_s=60).epoch == led.epoch


def test_an_epoch_never_falls(store: Store, lease: Lease) -> None:
    assert store.restore(replace(PUBLISHED, epoch=0), lease).epoch >= lease.epoch


def test_what_an_older_database_has_stays(store: Store, lease: Lease) -> None:
    first, *others = FACTS
    led = store.restore(replace(PUBLISHED, facts=(first,)), lease)
    later = hold("job", at=AT + timedelta(hours=1), told="asked since")
    store.ask_hold(later)
    store.confirm("c10", by="ann", at=AT)
    store.restore(replace(PUBLISHED, facts=tuple(others), rest=Changes()), led)
    stored = store.load()
    assert (stored.entries, stored.hold_requests) == (FACTS, (later,))
    assert (stored.executions, store.confirmations()) == (REST.executions, {"c9", "c10"})


def test_without_the_lease_nothing_is_restored(store: Store, lease: Lease) -> None:
    store.release_lease(lease)
    before = store.load()
    with pytest.raises(LeaseLost):
        store.restore(PUBLISHED, lease)
    assert store.load() == before


def test_another_fact_of_the_same_number_takes_all_with_it(store: Store, lease: Lease) -> None:
    led = store.restore(replace(PUBLISHED, facts=FACTS[:1], rest=Changes()), lease)
    before = store.load()
    other = replace(FACTS[0], fact=Fact.CANCELLED)
    with pytest.raises(InvariantViolated):
        store.restore(replace(PUBLISHED, facts=(FACTS[1], other)), led)
    assert store.load() == before
    store.commit(Changes(facts=(entry(0),)), led)


def test_many_facts_are_restored(store: Store, lease: Lease) -> None:
    facts = tuple(entry(n, attempt=n) for n in range(1, 3_001))
    store.restore(replace(PUBLISHED, facts=facts), lease)
    assert store.load().entries == facts
