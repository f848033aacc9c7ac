"""What a change does to executions that it doesn't touch, and to quotas."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from policy.model.execution import Constraint, Operator
from policy.settings import PolicySettings
from reconciler.converge.world import Wanted
from reconciler.manifest.platform import Platform
from reconciler.manifest.spec import ExecutionSpec, Manifest
from reconciler.review.cluster import Cluster
from reconciler.review.effects import EffectKind
from reconciler.review.preview import ActionKind, Preview, preview
from tests.builders import (
    HOST,
    MIB,
    Ledger,
    batch,
    interactive,
    manifest,
    observed,
    resources,
    service,
    wanted,
)
from tests.unit.converge.passes import started

HOUR_MS = 3_600_000
EAGER = Platform(policy=PolicySettings(regrow_ms=0, grant_ms=0, gain_permille=0))
"""Nobody is spared, so that who ranks higher takes at once (one node of 4 CPUs)."""


def job(name: str, cpus: int = 1, *, core: int = 1, maximum: int = 0, **fields: object) -> Manifest:
    part = service(
        completes=True,
        core=core,
        maximum=maximum or core,
        reservations=resources(cpus=cpus, memory=64 * MIB),
    )
    return manifest(_spec(part, **fields), name=name)


def _spec(part: object, **fields: object) -> ExecutionSpec:
    return batch(part, **{"lifetime_ms": HOUR_MS, **fields})


def want(*manifests: Manifest) -> Wanted:
    return wanted(*manifests, platform=EAGER)


def seen(base: Wanted, head: Wanted, ledger: Ledger, state: object) -> Preview:
    cluster = Cluster(id="test", observed=state)
    return preview(base, head, memory=ledger.memory, cluster=cluster, host=HOST)


def test_a_newcomers_core_takes_elastic_replicas_and_the_plan_says_whose() -> None:
    ledger = Ledger()
    wide = job("wide", core=1, maximum=4)
    state = started(ledger, wide)
    found = seen(want(wide), want(wide, job("new", 2, priority_value=1)), ledger, state)
    (line,), (effect,) = found.lines, found.effects
    assert (line.name, line.action, line.start_basis) == ("new", ActionKind.CREATE, "fits now")
    assert (effect.name, effect.kind, effect.replicas) == ("wide", EffectKind.REVOKED, 2)
    assert effect.told == "gives back 2 elastic replicas"


def test_who_waits_behind_a_newcomer_starts_later_and_the_plan_says_by_how_much() -> None:
    ledger = Ledger()
    runs, waits = job("runs", 4), job("waits", 4)
    state = started(ledger, runs)
    ledger.assess(want(runs, waits), state)
    urgent = job("urgent", 4, priority_value=10)
    found = seen(want(runs, waits), want(runs, waits, urgent), ledger, state)
    (effect,) = found.effects
    assert (effect.name, effect.kind) == ("waits", EffectKind.DELAYED)
    assert effect.before is not None
    assert effect.after == effect.before + timedelta(hours=1)
    assert effect.told == "starts 1 h later"


def test_a_deletion_lets_others_start_earlier() -> None:
    ledger = Ledger()
    runs, first, second = job("runs", 4), job("first", 4), job("second", 4)
    state = started(ledger, runs)
    ledger.assess(want(runs, first, second), state)
    found = seen(want(runs, first, second), want(runs, second), ledger, state)
    assert [(line.name, line.action) for line in found.lines] == [("first", ActionKind.STOP)]
    assert [(e.name, e.kind, e.told) for e in found.effects] == [
        ("second", EffectKind.EARLIER, "starts 1 h earlier")
    ]


def test_the_use_of_a_namespace_is_told_before_and_after() -> None:
    ledger = Ledger()
    runs = job("runs", 1)
    state = started(ledger, runs)
    (quota,) = seen(want(runs), want(runs, job("new", 2)), ledger, state).quotas
    assert (dict(quota.before.amounts)["cpu"], dict(quota.after.amounts)["cpu"]) == (1000, 3000)
    assert (quota.before.executions, quota.after.executions) == (1, 2)


def test_a_change_that_touches_nothing_does_nothing_to_others() -> None:
    ledger = Ledger()
    wide = job("wide", core=1, maximum=4)
    state = started(ledger, wide)
    assert seen(want(wide), want(wide), ledger, state) == Preview(
        snapshot="test", lines=(), effects=(), quotas=()
    )


def test_the_fields_that_an_edit_changes_are_told() -> None:
    ledger = Ledger()
    old = job("runs", core=1, maximum=2)
    state = started(ledger, old)
    spec = old.spec
    assert spec is not None
    edited = manifest(replace(spec, lifetime_ms=2 * HOUR_MS), name="runs")
    (line,) = seen(want(old), want(edited), ledger, state).lines
    assert line.action is ActionKind.IN_PLACE
    assert [(c.path, c.before, c.after) for c in line.changes] == [("lifetime_ms", "1 h", "2 h")]


def test_an_edit_that_moves_what_runs_is_told_as_a_replacement() -> None:
    ledger = Ledger()
    part = service()
    state = started(ledger, manifest(interactive(part), name="book"))
    there = Constraint(attribute="node.hostname", operator=Operator.EQUAL, value="n2")
    moved = interactive(replace(part, constraints=(there,)))
    base, head = (want(manifest(spec, name="book")) for spec in (interactive(part), moved))
    (line,) = seen(base, head, ledger, state).lines
    assert line.action is ActionKind.REPLACE


def test_what_only_the_base_brings_is_gone_with_the_head() -> None:
    """A base may be newer than the last pass: nothing but it knows of what it brings."""
    new, waits = job("new", 4, priority_value=1), job("waits", 4)
    found = seen(want(new, waits), want(waits), Ledger(), observed())
    (line,), (effect,) = found.lines, found.effects
    assert (line.name, line.action) == ("new", ActionKind.STOP)
    assert (effect.name, effect.kind) == ("waits", EffectKind.EARLIER)
