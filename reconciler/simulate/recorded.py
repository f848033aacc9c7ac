"""A workload from our own past: what this installation ran, as its database remembers it.

Every execution that ended counts, from when it was first seen and with the components of its
frozen spec. Its runtime is how long it ran, as if with everything granted: what its elastic
replicas were at each moment isn't kept. Constraints and quotas are left out; capacity decides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from policy.estimate import HINTS_MS
from policy.model.cluster import Node
from policy.model.execution import Component, Execution
from policy.simulator.application import Application
from policy.simulator.machines import Machines
from policy.simulator.swf import Workload
from reconciler.converge.history import application_of
from reconciler.converge.instants import epoch_ms
from reconciler.converge.ledger import Record
from reconciler.converge.world import Identity, Memory
from reconciler.manifest.spec import ExecutionSpec
from reconciler.review.rehearsal import DAYS, MOST_RUNS, Past

DAY_MS = 86_400_000


class Untold(StrEnum):
    """Why a run of ours is left out."""

    NEVER_RAN = "never ran"
    STILL_THERE = "hasn't ended"
    FORGOTTEN = "its spec isn't kept any more"


def workload(memory: Memory) -> Workload:
    """Return all runs that ended, and how many are left out for which reason."""
    applications: list[Application] = []
    dropped: Counter[str] = Counter()
    for uid, record in sorted(memory.records.items()):
        spec = memory.frozen.get((uid, record.generation_in_force))
        identity = memory.identities.get(uid)
        reason = _untold(record)
        if reason is None and spec is not None and identity is not None:
            applications.append(_application(record, identity, spec))
        else:
            dropped[reason or Untold.FORGOTTEN] += 1
    return Workload(applications=tuple(applications), dropped=dict(dropped))


def machines(nodes: Iterable[Node], *, is_pooled: bool) -> Machines:
    """Return the cluster of a snapshot, less what others had reserved on it then."""
    usable = [node.capacity - node.reserved for node in nodes if node.is_ready and node.is_active]
    return Machines(shapes=tuple(usable), is_pooled=is_pooled)


def past(memory: Memory, nodes: Iterable[Node], *, now: datetime) -> Past:
    """Return the newest runs of the last days, and the nodes of a snapshot that are up."""
    usable = tuple(
        replace(node, taken_ports=frozenset()) for node in nodes if node.is_ready and node.is_active
    )
    room = machines(usable, is_pooled=False)
    found = workload(memory).applications
    since_ms = epoch_ms(now) - DAYS * DAY_MS
    recent = [a for a in found if a.execution.queued_ms >= since_ms]
    fitting = [a for a in recent if room.could_hold(a.execution)] if usable else []
    newest = sorted(fitting, key=lambda a: a.execution.arrival)[-MOST_RUNS:]
    uids = (application.execution.uid for application in newest)
    return Past(
        applications=tuple(newest),
        classes={
            uid: memory.frozen[uid, memory.records[uid].generation_in_force].priority
            for uid in uids
        },
        nodes=usable,
        left_out=len(recent) - len(newest),
    )


def _untold(record: Record) -> Untold | None:
    if record.ended is None:
        return Untold.STILL_THERE
    return None if record.ran_ms else Untold.NEVER_RAN


def _application(record: Record, identity: Identity, spec: ExecutionSpec) -> Application:
    execution = Execution(
        uid=record.uid,
        namespace=identity.namespace,
        name=identity.name,
        type=spec.type,
        components=tuple(
            Component(
                name=service.name,
                core=service.core,
                maximum=service.maximum,
                demand=service.reservations,
                max_per_node=service.max_per_node,
                is_revocable=service.revocable,
                speedup=service.speedup,
            )
            for service in spec.services
        ),
        queued_ms=epoch_ms(record.first_seen_at),
        priority=spec.priority_value,
        is_preemptible=spec.is_preemptible,
        is_filler=spec.is_filler,
    )
    return Application(
        execution=execution,
        runtime_ms=record.ran_ms,
        stem=application_of(spec, identity.name),
        hint_ms=HINTS_MS.get(spec.size),
    )
