"""What an execution waits for besides room, and how its tries are told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.cli import status as status_verb
from reconciler.converge.state import ObservedState, TaskState
from reconciler.converge.status import Phase, document
from reconciler.converge.world import Assessment
from reconciler.manifest.spec import After, Manifest, Retries
from reconciler.view import line
from tests.builders import (
    Ledger,
    batch,
    carried_out,
    manifest,
    observed,
    status_of,
    wanted,
)


def ended(state: ObservedState, code: int) -> ObservedState:
    how = TaskState.FAILED if code else TaskState.COMPLETE
    return replace(state, tasks=tuple(replace(t, state=how, exit_code=code) for t in state.tasks))


@pytest.mark.parametrize(
    ("when", "code", "phase", "reason"),
    [
        ("succeeded", 0, Phase.STARTING, "Starting"),
        ("succeeded", 3, Phase.FAILED, "DependencyFailed"),
        ("finished", 0, Phase.STARTING, "Starting"),
        ("finished", 3, Phase.STARTING, "Starting"),
        ("started", 3, Phase.STARTING, "Starting"),
    ],
)
def test_how_a_predecessor_ends_decides_what_comes_after_it(
    when: str, code: int, phase: Phase, reason: str
) -> None:
    ledger = Ledger()
    first = manifest(batch(), name="first")
    second = manifest(batch(after=(After(name="first", when=when),)), name="second")
    both = wanted(first, second)
    found = ledger.assess(both, observed())
    assert status_of(found, second).reason == "DependencyNotReady"
    assert status_of(found, second).message == f"waits until first has {when}"
    state = carried_out(found, observed())
    found = ledger.assess(both, state)
    waits = when != "started"
    assert (status_of(found, second).reason == "DependencyNotReady") is waits
    state = ended(carried_out(found, state), code) if waits else state
    ledger.assess(both, state)
    found = ledger.assess(both, state)
    status = status_of(found, second)
    assert (status.phase, status.reason) == (phase, reason)


def test_what_comes_after_an_execution_that_never_starts_waits() -> None:
    ledger = Ledger()
    suspended = manifest(batch(), name="first", suspend=True)
    second = manifest(batch(after=(After(name="first", when="started"),)), name="second")
    found = ledger.assess(wanted(suspended, second), observed())
    assert status_of(found, second).reason == "DependencyNotReady"


def told(found: Assessment, job: Manifest) -> str:
    return status_verb.told(line.of(document(status_of(found, job))))


def test_every_attempt_is_told_with_how_many_there_may_be() -> None:
    ledger, job = Ledger(), manifest(batch(retries=Retries(failure=2)))
    for attempt in (1, 2):
        found = ledger.assess(wanted(job), observed())
        assert told(found, job).endswith(f"(attempt {attempt} of 3)")
        state = carried_out(found, observed())
        ledger.assess(wanted(job), state)
        found = ledger.assess(wanted(job), ended(state, 1))
        assert status_of(found, job).reason == "BackOff"
        assert told(found, job).endswith(f"(attempt {attempt} of 3)")
        ledger.later(minutes=5)
    found = ledger.assess(wanted(job), observed())
    state = carried_out(found, observed())
    ledger.assess(wanted(job), state)
    found = ledger.assess(wanted(job), ended(state, 1))
    assert told(found, job) == (
        "failed with exit code 1 after 3 attempts; raise run to start it again"
    )


def test_a_lost_node_takes_none_of_the_tries_away() -> None:
    ledger = Ledger()
    job = manifest(batch(retries=Retries(failure=1, node_lost=1)))
    state = carried_out(ledger.assess(wanted(job), observed()), observed())
    ledger.assess(wanted(job), state)
    ledger.assess(wanted(job), replace(state, nodes=()))
    found = ledger.assess(wanted(job), observed())
    assert told(found, job).endswith("(attempt 2 of 3)")


def test_what_is_never_tried_again_says_nothing_of_attempts() -> None:
    ledger, job = Ledger(), manifest(batch())
    assert "attempt" not in told(ledger.assess(wanted(job), observed()), job)
