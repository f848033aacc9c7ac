"""What goes is read first, also where its attempt had ended before anybody saw it."""

from __future__ import annotations

from dataclasses import replace

from reconciler.converge.plan import RemoveService
from reconciler.converge.state import ObservedState, TaskState
from reconciler.converge.world import Assessment
from tests.builders import Ledger, batch, manifest, wanted
from tests.unit.converge.passes import started, with_tasks


def deleted_unseen(ledger: Ledger) -> ObservedState:
    """A batch that was deleted by a reading without its service, and the service as it is."""
    job = manifest(batch())
    seen = started(ledger, job)
    ledger.assess(wanted(), replace(seen, services=(), tasks=()))
    assert "attempt_ended:Deleted" in ledger.facts(job.uid)
    return seen


def read(found: Assessment) -> list[int]:
    assert any(isinstance(action, RemoveService) for action in found.plan.actions)
    return [group.attempt for _, group in found.harvest]


def test_what_had_ended_unseen_is_read_before_it_goes() -> None:
    ledger = Ledger()
    state = with_tasks(deleted_unseen(ledger), TaskState.COMPLETE, exit_code=0)
    found = ledger.assess(wanted(), state)
    assert read(found) == [1]
    ledger.memory = replace(
        ledger.memory, harvested={(u, 1, g.component, g.node_name) for u, g in found.harvest}
    )
    assert read(ledger.assess(wanted(), state)) == []


def test_what_is_stopped_has_no_result_to_lose() -> None:
    ledger = Ledger()
    assert read(ledger.assess(wanted(), deleted_unseen(ledger))) == []
