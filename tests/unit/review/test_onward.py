"""A preview looks as many passes ahead as attempts end because of the change."""

from __future__ import annotations

from dataclasses import replace

from policy.forecast import FITS_NOW
from policy.model.execution import Constraint, Operator
from reconciler.review.effects import EffectKind
from reconciler.review.preview import ActionKind
from tests.builders import Ledger, interactive, manifest, service
from tests.unit.converge.passes import started
from tests.unit.review.test_effects import job, seen, want


def test_a_higher_run_starts_once_the_one_before_it_has_gone() -> None:
    ledger = Ledger()
    first = job("train", 4)
    state = started(ledger, first)
    assert first.spec is not None
    found = seen(want(first), want(manifest(first.spec, name="train", run=2)), ledger, state)
    assert {line.action: line.start_basis for line in found.lines} == {
        ActionKind.CREATE: FITS_NOW,
        ActionKind.STOP: "",
    }


def test_what_moves_starts_where_it_moves_to() -> None:
    ledger = Ledger()
    state = started(ledger, manifest(interactive(service()), name="book"))
    there = Constraint(attribute="node.hostname", operator=Operator.EQUAL, value="n1")
    moved = interactive(replace(service(), constraints=(there,)))
    base, head = (want(manifest(spec, name="book")) for spec in (interactive(service()), moved))
    (line,) = seen(base, head, ledger, state).lines
    assert (line.action, line.start_basis, line.core) == (ActionKind.REPLACE, FITS_NOW, 1)


def test_the_room_of_what_stops_goes_to_whom_the_plan_says() -> None:
    ledger = Ledger()
    wide, other = job("wide", core=1, maximum=4), job("other", 2, priority_value=1)
    state = started(ledger, wide, other)
    found = seen(want(wide, other), want(wide), ledger, state)
    (effect,) = found.effects
    assert (effect.name, effect.kind, effect.replicas) == ("wide", EffectKind.GRANTED, 2)
    assert effect.told == "gets 2 elastic replicas more"
