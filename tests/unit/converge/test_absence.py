"""A batch whose service isn't in a reading hasn't lost it yet: the reading may be an older one."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from reconciler.converge.absence import SETTLED, Missing, complete
from reconciler.converge.state import ObservedState
from reconciler.manifest.spec import ExecutionSpec, Manifest, Retries
from tests.builders import Ledger, batch, interactive, manifest, wanted
from tests.unit.converge.passes import started


def without_services(state: ObservedState, *, after: timedelta = timedelta()) -> ObservedState:
    return replace(state, services=(), tasks=(), taken_at=state.taken_at + after)


def running(spec: ExecutionSpec) -> tuple[Ledger, Manifest, ObservedState]:
    ledger, job = Ledger(), manifest(spec)
    return ledger, job, started(ledger, job)


def test_a_batch_goes_on_while_its_service_may_only_be_missing_from_an_older_reading() -> None:
    ledger, job, state = running(batch(retries=Retries(node_lost=1)))
    older = without_services(state)
    read, missing = complete(older, state, {}, ledger.memory)
    assert read == state
    found = ledger.assess(wanted(job), read)
    assert (found.steps, found.plan.actions) == ((), ())
    assert complete(state, read, missing, ledger.memory) == (state, {})


def test_it_is_believed_gone_once_it_was_missing_for_a_while() -> None:
    ledger, job, state = running(batch())
    missing: Missing = {}
    for after in (timedelta(), SETTLED - timedelta(seconds=1), SETTLED):
        older = without_services(state, after=after)
        read, missing = complete(older, state, missing, ledger.memory)
        assert bool(read.services) is (after < SETTLED)
    ledger.assess(wanted(job), read)
    assert "attempt_ended:Removed" in ledger.facts(job.uid)


def test_the_service_of_anybody_else_is_gone_at_once() -> None:
    ledger, _, state = running(interactive())
    older = without_services(state)
    assert complete(older, state, {}, ledger.memory) == (older, {})


def test_the_service_of_an_attempt_that_is_over_is_gone_at_once() -> None:
    ledger, _, state = running(batch())
    ledger.assess(wanted(), state)
    older = without_services(state)
    assert complete(older, state, {}, ledger.memory) == (older, {})


def test_the_first_reading_is_taken_as_it_is() -> None:
    ledger, _, state = running(batch())
    older = without_services(state)
    assert complete(older, None, {}, ledger.memory) == (older, {})
