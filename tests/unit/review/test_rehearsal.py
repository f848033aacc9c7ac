"""What changed rules would have done to what ran here: played, not guessed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from policy.model.cluster import Node
from policy.model.execution import NodeId, Uid
from policy.settings import Policy, PolicySettings
from reconciler.converge.ledger import Ending, EndReason, Record
from reconciler.converge.world import Identity, Memory, Wanted
from reconciler.manifest.platform import Namespace, Platform, PriorityClass
from reconciler.review.rehearsal import MOST_RUNS, NO_HISTORY, Moved, Past, Rehearsal, rehearse
from reconciler.simulate.recorded import past
from tests.builders import MIB, NOW, batch, resources, service, wanted

HOUR_MS = 3_600_000
NODE = Node(id=NodeId("n1"), hostname="n1", capacity=resources(cpus=4, memory=4096 * MIB))


def memory(*runs: tuple[str, int, int, str]) -> Memory:
    """Runs that all arrived at noon, in order: namespace, CPUs, hours and priority class."""
    found = [
        (_record(number, hours), namespace, cpus, priority)
        for number, (namespace, cpus, hours, priority) in enumerate(runs)
    ]
    return Memory(
        records={record.uid: record for record, *_ in found},
        identities={
            record.uid: Identity(namespace=namespace, name=f"run-{record.uid[-4:]}", run=1)
            for record, namespace, *_ in found
        },
        frozen={(record.uid, 1): _spec(cpus, priority) for record, _, cpus, priority in found},
    )


def _record(number: int, hours: int) -> Record:
    return Record(
        uid=Uid(f"{number:016d}"),
        run=1,
        first_seen_at=NOW,
        queued_at=NOW,
        generation=1,
        ran_ms=hours * HOUR_MS,
        ended=Ending(reason=EndReason.COMPLETED, at=NOW + timedelta(hours=9)),
    )


def _spec(cpus: int, priority: str) -> object:
    part = service(completes=True, reservations=resources(cpus=cpus, memory=64 * MIB))
    return batch(part, priority=priority)


def rules(policy: Policy = Policy.FIFO, *namespaces: Namespace, **fields: object) -> Wanted:
    platform = Platform(policy=PolicySettings(policy=policy), **fields)
    owners = {owner.name: owner for owner in namespaces}
    return replace(wanted(platform=platform), namespaces=owners)


def lately(*runs: tuple[str, int, int, str]) -> Past:
    return past(memory(*runs), [NODE], now=NOW + timedelta(days=1))


def all_of(found: Rehearsal | None) -> Moved:
    assert found is not None
    assert found.moved[0].namespace == ""
    return found.moved[0]


def test_a_policy_that_lets_small_ones_pass_shortens_the_median_wait() -> None:
    runs = [("aml", 3, 8, "normal"), ("aml", 4, 8, "normal"), *[("bio", 1, 1, "normal")] * 5]
    found = rehearse(rules(), rules(Policy.EASY), lately(*runs))
    moved = all_of(found)
    assert (moved.before.median_wait_ms, moved.after.median_wait_ms) == (16 * HOUR_MS, 2 * HOUR_MS)
    assert [entry.namespace for entry in found.moved] == ["", "bio"]
    assert "median wait 16 h -> 2 h" in moved.told
    assert found.told == f"played on 7 runs of the last 7 days (at most {MOST_RUNS})"


def test_a_quota_makes_its_namespace_wait() -> None:
    owner = Namespace(name="aml")
    bounded = replace(owner, maximum=(("cpu", 2000),))
    runs = [("aml", 2, 1, "normal"), ("aml", 2, 1, "normal")]
    found = rehearse(rules(Policy.FAIR, owner), rules(Policy.FAIR, bounded), lately(*runs))
    assert all_of(found).before.p95_wait_ms == 0
    assert all_of(found).after.p95_wait_ms > HOUR_MS // 2


def test_a_class_that_is_worth_more_goes_first() -> None:
    classes = (PriorityClass(name="normal", value=0), PriorityClass(name="late", value=-5))
    raised = (classes[0], PriorityClass(name="late", value=5))
    runs = [("aml", 4, 1, "normal"), ("aml", 4, 4, "normal"), ("bio", 4, 1, "late")]
    found = rehearse(
        rules(Policy.FAIR, priority_classes=classes),
        rules(Policy.FAIR, priority_classes=raised),
        lately(*runs),
    )
    (bio,) = [entry for entry in found.moved if entry.namespace == "bio"]
    assert bio.after.median_wait_ms < bio.before.median_wait_ms


def test_nodes_that_are_no_longer_chosen_leave_everybody_waiting() -> None:
    head = rules(headroom=resources(cpus=3, memory=MIB))
    found = rehearse(rules(), head, lately(("aml", 2, 1, "normal")))
    assert (all_of(found).before.never, all_of(found).after.never) == (0, 1)
    assert "0 -> 1 never start" in all_of(found).told


def test_rules_that_decide_nothing_about_the_queue_arent_played() -> None:
    assert rehearse(rules(), rules(maximum_lifetime_ms=HOUR_MS), None) is None


@pytest.mark.parametrize("nothing", [None, Past(applications=(), classes={}, nodes=(NODE,))])
def test_without_history_it_says_so(nothing: Past | None) -> None:
    found = rehearse(rules(), rules(Policy.EASY), nothing)
    assert found == Rehearsal()
    assert found.told == NO_HISTORY


def test_only_the_newest_runs_of_the_last_days_that_fit_are_played() -> None:
    runs = [("aml", 1, 1, "normal")] * (MOST_RUNS + 5) + [("aml", 8, 1, "normal")]
    found = lately(*runs)
    assert (len(found.applications), found.left_out) == (MOST_RUNS, 6)
    assert found.applications[0].execution.uid == Uid(f"{5:016d}")
    assert past(memory(*runs), [NODE], now=NOW + timedelta(days=8)).applications == ()


def test_the_same_rules_and_runs_give_the_same_answer() -> None:
    runs = lately(*[("aml", 1 + number % 4, 1 + number % 3, "normal") for number in range(40)])
    one, other = (rehearse(rules(), rules(Policy.FAIR), runs) for _ in range(2))
    assert one == other
