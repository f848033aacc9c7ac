"""A service that a batch runs in is missing: did somebody remove it, or is this an older reading?

A manager that was cut off from the others for a moment answers with what was. Who isn't a batch
gets its service again at once, and if it is there its name is taken. A batch ends when its service
is gone, and may be tried again; so that is believed only once it was missing for a while.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from policy.model.execution import ApplicationType, Uid
from reconciler.converge.instants import is_within
from reconciler.converge.state import (
    LABEL_ATTEMPT,
    LABEL_COMPONENT,
    LABEL_UID,
    ObservedService,
    ObservedState,
)
from reconciler.converge.world import Memory

# Longer than a manager that lost its peers takes for the one in charge (its election time-out).
SETTLED = timedelta(seconds=15)


Missing = Mapping[str, datetime]
"""Service id -> since when."""


def complete(
    observed: ObservedState, last: ObservedState | None, missing: Missing, memory: Memory
) -> tuple[ObservedState, Missing]:
    """Return a reading in which such a service stays as it was, until its absence is settled.

    Args:
        observed: The reading.
        last: The one before, completed as well; None at first.
        missing: What had been added to that.
        memory: What is known of executions.
    """
    there = {service.id for service in observed.services}
    before = last.services if last is not None else ()
    gone = [s for s in before if s.id not in there and _runs_once(s, memory)]
    since = {s.id: missing.get(s.id, observed.taken_at) for s in gone}
    kept = [s for s in gone if is_within(SETTLED, since[s.id], observed.taken_at)]
    if last is None or not kept:
        return observed, {}
    ids = {service.id for service in kept}
    tasks = (task for task in last.tasks if task.service_id in ids)
    others = (task for task in observed.tasks if task.service_id not in ids)
    completed = replace(observed, services=(*observed.services, *kept), tasks=(*others, *tasks))
    return completed, {id_: since[id_] for id_ in ids}


def _runs_once(service: ObservedService, memory: Memory) -> bool:
    """Tell whether it carries the open attempt of a batch, as that was granted."""
    labels = service.spec.labels
    uid = Uid(labels.get(LABEL_UID, ""))
    record = memory.records.get(uid)
    if record is None or not record.attempt_open:
        return False
    spec = memory.frozen.get((uid, record.generation))
    group = labels.get(LABEL_COMPONENT, ""), service.spec.node
    return (
        spec is not None
        and spec.type is ApplicationType.BATCH
        and labels.get(LABEL_ATTEMPT) == str(record.attempt)
        and group in {(given.component, given.node) for given in memory.placements.get(uid, ())}
    )
