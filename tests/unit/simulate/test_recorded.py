"""Our own past as a workload."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from policy.model.cluster import Node
from policy.model.execution import NodeId, Uid
from policy.model.resources import Resources
from reconciler.converge.instants import epoch_ms
from reconciler.converge.ledger import Ending, EndReason, Record
from reconciler.converge.world import Identity, Memory
from reconciler.simulate import recorded
from reconciler.simulate.recorded import Untold
from tests.builders import NOW, batch, resources, service

UID = Uid("0123456789abcdef")
SPEC = batch(
    service("worker", core=1, maximum=3, reservations=resources(cpus=2), speedup=(1000, 1900, 2700))
)
ENDED = Record(
    uid=UID,
    run=1,
    first_seen_at=NOW,
    queued_at=NOW + timedelta(minutes=9),
    generation=1,
    ran_ms=60_000,
    ended=Ending(reason=EndReason.COMPLETED, at=NOW + timedelta(hours=1)),
)


def memory(*records: Record) -> Memory:
    return Memory(
        records={record.uid: record for record in records},
        identities={UID: Identity(namespace="aml", name="train-17", run=1)},
        frozen={(UID, 1): SPEC},
    )


def test_a_run_that_ended_is_played_as_it_was_asked_for():
    found = recorded.workload(memory(ENDED))
    (application,) = found.applications
    (component,) = application.execution.components
    assert (component.core, component.maximum, component.speedup) == (1, 3, (1000, 1900, 2700))
    assert component.demand.cpu_millis == 2000
    # From when it was first seen: a retry later doesn't make it younger.
    assert application.execution.queued_ms == epoch_ms(NOW)
    assert (application.runtime_ms, application.stem) == (60_000, "/train")
    assert found.dropped == {}


def test_what_cannot_be_played_is_counted_by_reason():
    others = [
        replace(ENDED, uid=Uid("a" * 16), ended=None),
        replace(ENDED, uid=Uid("b" * 16), ran_ms=0),
        replace(ENDED, uid=Uid("c" * 16)),
    ]
    found = recorded.workload(memory(ENDED, *others))
    assert len(found.applications) == 1
    assert found.dropped == {Untold.STILL_THERE: 1, Untold.NEVER_RAN: 1, Untold.FORGOTTEN: 1}


def test_the_cluster_is_what_others_left_of_the_nodes_that_are_up():
    up = Node(
        id=NodeId("a"),
        hostname="a",
        capacity=Resources(cpu_millis=4000, memory_bytes=100),
        reserved=Resources(cpu_millis=1000),
    )
    down = replace(up, id=NodeId("b"), is_ready=False)
    machines = recorded.machines([up, down], is_pooled=False)
    assert machines.shapes == (Resources(cpu_millis=3000, memory_bytes=100),)
