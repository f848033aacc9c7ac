"""What became of a plan: nothing differs where nothing came in between, and else it is named."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from reconciler.converge.world import Memory, Wanted
from reconciler.manifest.spec import Manifest
from reconciler.posted import PostedPlan
from reconciler.review.as_json import to_json
from reconciler.review.cluster import Cluster
from reconciler.review.preview import preview
from reconciler.reviewer.outcome import differences, remark, section
from tests.builders import (
    HOST,
    MIB,
    Ledger,
    batch,
    manifest,
    observed,
    resources,
    service,
    wanted,
)
from tests.unit.converge.passes import started

HOUR_MS = 3_600_000
Shape = tuple[int, int]
"""CPUs of a node's four, and a priority."""


def job(name: str, cpus: int = 1, priority: int = 0) -> Manifest:
    part = service(completes=True, reservations=resources(cpus=cpus, memory=64 * MIB))
    spec = batch(part, lifetime_ms=HOUR_MS, priority_value=priority)
    return manifest(spec, name=name)


def plan_of(base: Wanted, head: Wanted, ledger: Ledger, state: object) -> PostedPlan:
    found = preview(
        base, head, memory=ledger.memory, cluster=Cluster(id="test", observed=state), host=HOST
    )
    return PostedPlan(
        source_id="platform",
        subject="pull/7",
        pull=7,
        head="a" * 40,
        base="b" * 40,
        tree="c" * 64,
        plan=to_json(found, base="b" * 40, head="a" * 40, diagnostics=()),
        body="",
        at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def told(plan: PostedPlan, merged: Wanted, ledger: Ledger, state: object) -> tuple[str, ...]:
    """Return what differs once the pass that finds the merge has decided."""
    before: Memory = ledger.memory
    return differences(plan, plan.lines, before, ledger.assess(merged, state))


shapes = st.tuples(st.integers(1, 3), st.integers(0, 2))
sets = st.dictionaries(st.sampled_from("abcdef"), shapes, max_size=6)


def jobs(shapes_of: Mapping[str, Shape]) -> Wanted:
    return wanted(*(job(name, *shape) for name, shape in sorted(shapes_of.items())))


@given(base=sets, head=sets)
def test_a_merge_that_nothing_came_before_is_as_planned(
    base: dict[str, Shape], head: dict[str, Shape]
) -> None:
    ledger = Ledger()
    state = started(ledger, *jobs(base).manifests.values())
    plan = plan_of(jobs(base), jobs(head), ledger, state)
    assert told(plan, jobs(head), ledger, state) == ()


def test_what_took_the_room_meanwhile_is_told() -> None:
    ledger = Ledger()
    state = started(ledger, job("runs", 2))
    base, head = wanted(job("runs", 2)), wanted(job("runs", 2), job("new", 2))
    plan = plan_of(base, head, ledger, state)
    taken = wanted(job("runs", 2), job("new", 2), job("between", 2, 9))
    (first, second) = told(plan, taken, ledger, state)
    assert first.startswith("aml/new: it was to start at once, and waits: ")
    assert second == "aml/between: it is new, and no plan showed that"


def test_what_was_free_meanwhile_is_told() -> None:
    ledger = Ledger()
    state = started(ledger, job("runs", 4))
    base, head = wanted(job("runs", 4)), wanted(job("runs", 4), job("new", 2))
    plan = plan_of(base, head, ledger, state)
    later = observed()
    (first, second) = told(plan, wanted(job("new", 2)), ledger, later)
    assert first == "aml/new: it starts at once; it was to wait as number 1"
    assert second == "aml/runs: it was stopped, and no plan showed that"


def test_who_ended_before_it_was_to_be_stopped_is_told() -> None:
    ledger = Ledger()
    state = started(ledger, job("runs"), job("stays"))
    plan = plan_of(wanted(job("runs"), job("stays")), wanted(job("stays")), ledger, state)
    ledger.assess(wanted(job("stays")), state)
    assert told(plan, wanted(job("stays")), ledger, state) == ("aml/runs: it had ended before",)


def test_what_is_held_is_told_with_its_reason() -> None:
    ledger = Ledger()
    names = [f"j{number}" for number in range(6)]
    state = started(ledger, *map(job, names))
    plan = plan_of(wanted(*map(job, names)), wanted(*map(job, names[1:])), ledger, state)
    (first, *others) = told(plan, wanted(tree_is_empty=True), ledger, state)
    assert first.startswith(
        "aml/j0: the commit asks for no execution at all; released by zoe confirm"
    )
    assert others == []


def test_many_differences_are_counted() -> None:
    ledger = Ledger()
    state = started(ledger, job("runs"))
    plan = plan_of(wanted(job("runs")), wanted(job("runs")), ledger, state)
    more = wanted(job("runs"), *(job(f"n{number:02}") for number in range(30)))
    found = told(plan, more, ledger, state)
    assert (len(found), found[-1]) == (21, "and 10 more")


def test_a_status_names_the_pull_requests_that_differ() -> None:
    ledger = Ledger()
    as_planned = plan_of(wanted(), wanted(), ledger, started(ledger))
    other = PostedPlan(
        **{
            **{name: getattr(as_planned, name) for name in PostedPlan.__slots__},
            "pull": 8,
            "differences": ("aml/x: it waits",),
        }
    )
    assert remark([as_planned]) == "as planned in #7"
    assert remark([as_planned, other]) == "not as planned in #8: 1 difference(s), see its comment"
    assert remark([]) == ""


def test_what_authors_named_makes_no_markup_in_the_comment() -> None:
    told_ = section("a" * 40, ["aml/x: it waits for `@all` **now**"])
    assert told_.endswith("- `aml/x: it waits for '@all' **now**`\n")
