"""An edit is compared with what runs, which may not be what the base says by now."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from reconciler.review.diff import NOT_SHOWN, Change
from reconciler.review.effects import EffectKind
from reconciler.review.preview import ActionKind
from tests.builders import Ledger, batch, interactive, manifest, service
from tests.unit.converge.passes import started
from tests.unit.review.test_effects import job, seen, want


def test_an_edit_brings_what_the_zapp_has_become_since_the_start() -> None:
    ledger = Ledger()
    old, new = (service(environment=(("V", version),)) for version in ("1", "2"))
    runs = manifest(interactive(old), name="book")
    state = started(ledger, runs)
    # The ZApp was edited and the document not: what runs goes on as it is, outdated.
    base = replace(runs, spec=interactive(new), spec_hash="of version 2")
    edited = manifest(interactive(new, lifetime_ms=60_000), name="book")
    (line,) = seen(want(base), want(edited), ledger, state).lines
    assert line.action is ActionKind.ROLLING
    path = "services.main.environment.V"
    assert Change(path=path, before=NOT_SHOWN, after=NOT_SHOWN) in line.changes


def test_a_lifetime_cut_to_less_than_was_used_is_a_stop_and_makes_room() -> None:
    ledger = Ledger()
    runs, waits = job("runs", 4), job("waits", 4)
    state = replace(started(ledger, runs), taken_at=ledger.now + timedelta(minutes=10))
    spec = runs.spec
    assert spec is not None
    cut = manifest(replace(spec, lifetime_ms=60_000), name="runs")
    found = seen(want(runs, waits), want(cut, waits), ledger, state)
    (line,), (effect,) = found.lines, found.effects
    assert (line.name, line.action) == ("runs", ActionKind.STOP)
    assert line.reason.startswith("it ran for longer than its lifetime")
    assert (effect.name, effect.kind) == ("waits", EffectKind.EARLIER)


def test_who_is_suspended_with_an_edit_that_is_refused_stops() -> None:
    ledger = Ledger()
    runs = manifest(batch(service()), name="train")
    state = started(ledger, runs)
    edited = manifest(batch(service(image="other")), name="train", suspend=True)
    (line,) = seen(want(runs), want(edited), ledger, state).lines
    assert line.action is ActionKind.IN_PLACE
    assert line.reason.startswith("is suspended")
    assert "only with a higher run" in line.reason
