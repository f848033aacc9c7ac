"""What is observed after a plan was carried out, with its tasks in one state or another."""

from __future__ import annotations

from dataclasses import replace

from reconciler.converge.plan import CreateService
from reconciler.converge.state import (
    LABEL_APPLIED_HASH,
    ObservedNetwork,
    ObservedService,
    ObservedState,
    ServiceSpec,
    TaskState,
)
from reconciler.converge.world import Assessment
from tests.builders import NOW, Ledger, observed, task, wanted


def as_there(found: Assessment, state: ObservedState) -> ObservedState:
    """The observation after the creates of a plan were carried out, with no tasks yet."""
    services = [
        there(action.spec) for action in found.plan.actions if isinstance(action, CreateService)
    ]
    networks = [
        ObservedNetwork(id=name, name=name, labels=spec.labels, created_at=NOW)
        for name, spec in found.desired.networks.items()
    ]
    return replace(state, services=(*state.services, *services), networks=tuple(networks))


def there(spec: ServiceSpec) -> ObservedService:
    """A service as it is seen once it was created."""
    labelled = replace(spec, labels={**spec.labels, LABEL_APPLIED_HASH: spec.applied_hash})
    return ObservedService(id=f"id-{spec.name}", version=1, spec=labelled, created_at=NOW)


def with_tasks(state: ObservedState, task_state: TaskState, **fields: object) -> ObservedState:
    """The observation with every replica in one state."""
    return replace(
        state,
        tasks=tuple(
            task(s.id, task_state, node=s.spec.node, slot=slot, id=f"{s.id}-{slot}", **fields)
            for s in state.services
            for slot in range(1, s.spec.replicas + 1)
        ),
    )


def started(ledger: Ledger, *manifests: object) -> ObservedState:
    """Admit, create and see running."""
    found = ledger.assess(wanted(*manifests), observed())
    state = with_tasks(as_there(found, observed()), TaskState.RUNNING)
    ledger.assess(wanted(*manifests), state)
    return state
