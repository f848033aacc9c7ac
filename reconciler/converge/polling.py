"""What must be read again though nothing was told of it, since tasks come and go without a word."""

from __future__ import annotations

from policy.model.execution import Uid
from reconciler.converge.ledger import EndReason
from reconciler.converge.plan import MAKING_ROOM
from reconciler.converge.state import LABEL_UID, ObservedState
from reconciler.converge.status import Phase, Status
from reconciler.converge.world import Assessment

UNTIL_GONE = frozenset({"PreviousRunEnding", str(EndReason.PREEMPTED)})
"""Reasons of those who wait until the tasks of others are gone."""


def to_poll(found: Assessment | None, observed: ObservedState | None) -> frozenset[str] | None:
    """Return the services of whose tasks a pass must know; None: of all, and of all else.

    Whoever starts, and a batch that runs, is waited for. All is read while something is done or
    waits for tasks to be gone (of those the services may be gone already), and while a reading
    is doubted. What nobody waits for may be as old as the newest whole reading.
    """
    if found is None or observed is None or found.plan.actions or found.steps:
        return None
    if any(note.reason == MAKING_ROOM for note in found.plan.notes):
        return None
    if any(s.phase is Phase.TERMINATING or s.reason in UNTIL_GONE for s in found.statuses):
        return None
    if any(n.is_awaited for n in observed.nodes) or any(t.is_cut_off for t in observed.tasks):
        return None
    waited_for = {status.uid for status in found.statuses if _is_waited_for(status)}
    return frozenset(
        service.id
        for service in observed.services
        if Uid(service.spec.labels.get(LABEL_UID, "")) in waited_for
    )


def _is_waited_for(status: Status) -> bool:
    is_batch = status.type == "batch"
    return status.phase is Phase.STARTING or (is_batch and status.phase is Phase.RUNNING)
