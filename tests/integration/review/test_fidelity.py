"""What a plan says is what happens: random repositories, clusters and commits.

The plan comes from a process of its own, which knows the database and the repository; what
happens is what the Cluster port records over the passes after the merge.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, assume, given, settings

from tests.fixtures.zoe_process import ZoeProcess
from tests.integration.review.drawing import Story, queues, stories
from tests.integration.review.world import Happened, Place, place

PHASES = [phase for phase in Phase if phase not in (Phase.shrink, Phase.explain)]
"""An example takes seconds when machines are busy: shrinking one would take minutes."""


def differences(plan: dict[str, Any], happened: dict[str, Happened]) -> Iterator[str]:
    """Yield where the plan said something else than what happened."""
    actions = {action["uid"]: action for action in plan["actions"]}
    effects: dict[str, dict[str, int]] = {}
    for effect in plan["effects"]:
        effects.setdefault(effect["uid"], {})[effect["effect"]] = effect["replicas"]
    for uid in sorted({*actions, *effects, *happened}):
        seen, action = happened.get(uid, Happened()), actions.get(uid)
        if action is not None:
            is_so = as_told(action, seen)
        else:
            is_so = as_affected(effects.get(uid, {}), seen)
        if not is_so:
            yield f"{uid}: told {action or effects.get(uid)}, was {seen}"


def as_affected(effects: dict[str, int], seen: Happened) -> bool:
    """Tell whether an execution that the change doesn't touch fared as it was told, if at all."""
    if "stopped" in effects:
        return seen.removed
    if "earlier" in effects:
        return not seen.removed
    net = effects.get("granted", 0) - effects.get("revoked", 0)
    moves = "granted" in effects or "revoked" in effects
    return (
        seen.replicas - seen.replicas_before == net
        and not seen.rolled
        and (moves or not (seen.created or seen.removed))
    )


def as_told(action: dict[str, Any], seen: Happened) -> bool:
    """Tell whether an execution fared as its line says."""
    starts = action["start"]["basis"] == "fits now"
    is_gone = seen.removed == bool(seen.replicas_before) and not seen.replicas
    is_whole = seen.replicas == action["core"] + action["elastic"]
    match action["action"]:
        case "stop":
            return is_gone
        case "create":
            return seen.created == starts and (is_whole or not starts)
        case "replace":
            return seen.removed and seen.created == starts and (is_whole or not starts)
        case "rolling":
            return seen.rolled and is_whole
        case "in place" if "is suspended" in action["reason"]:
            return is_gone
        case "in place" if seen.replicas_before:
            return not seen.rolled and is_whole
        case "in place":
            return seen.created == starts
        case _:
            return not (seen.created or seen.removed or seen.rolled)


def up_to_last(story: Story, there: Place) -> int:
    """Play a story up to its last commit; return the number of that."""
    last = len(story.steps) - 1
    for step in range(last):
        there.site.push(story.files(step))
        there.settle()
        there.wait(story.waits_s[step])
    there.happened({})
    return last


def told_and_done(story: Story, there: Place) -> list[str]:
    """Return where a story's last commit did something else than was planned."""
    last = up_to_last(story, there)
    # Where something ends within a minute anyway, others start by less than a minute earlier: that
    # isn't told.
    assume(there.next_wake_s > 90)
    before, known = there.live(), there.own_accord()
    sizes = there.sizes()
    planned = sizes()
    head, plan = there.plan(story.files(last))
    there.merge(head)
    there.settle()
    happened = there.happened(before)
    assume(there.own_accord() == known)  # that no plan can know
    assume(sizes() == planned)  # nor who ranks lower once he has done twice as much
    return list(differences(plan, happened))


@settings(max_examples=15, phases=PHASES)
@given(story=stories())
def test_what_the_plan_says_is_what_the_next_passes_do(
    story: Story,
    zoe_process: ZoeProcess,
    sqlite_template: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with place(tmp_path_factory.mktemp("fidelity"), zoe_process, sqlite_template) as there:
        assert told_and_done(story, there) == []


def expected_starts(plan: dict[str, Any]) -> dict[str, datetime]:
    """Return when a plan expects those it tells of to start, where lifetimes say it."""
    starts = {a["uid"]: a["start"]["at"] for a in plan["actions"] if _is_certain(a)}
    moved = {e["uid"]: e["start"]["after"] for e in plan["effects"]}
    return {uid: datetime.fromisoformat(at) for uid, at in (moved | starts).items() if at}


def _is_certain(action: dict[str, Any]) -> bool:
    return action["action"] != "stop" and action["start"]["basis"] in ("fits now", "lifetimes")


def late_or_early(story: Story, there: Place) -> list[str]:
    """Return who starts at another time than a story's last commit was planned to bring about."""
    last = up_to_last(story, there)
    there.site.push({"README.md": "a commit that changes nothing renews the snapshot\n"})
    there.settle()
    head, plan = there.plan(story.files(last))
    now = there.site.clock.now()
    there.first_created.clear()
    there.merge(head)
    there.settle()
    starts = expected_starts(plan)
    latest = max([*starts.values(), now])
    there.wait((latest - now) // timedelta(seconds=1) + 60)
    return [
        f"{uid}: planned {at - now}, was {there.first_created.get(uid)}"
        for uid, at in starts.items()
        if not within(at, there.first_created.get(uid), now)
    ]


def within(planned: datetime, was: datetime | None, now: datetime) -> bool:
    """Tell whether a start is as planned, but for the seconds that stopping and starting take."""
    return was is not None and abs(was - max(planned, now)) <= timedelta(seconds=45)


@settings(max_examples=10, phases=PHASES)
@given(story=queues())
def test_what_waits_starts_when_the_plan_says(
    story: Story,
    zoe_process: ZoeProcess,
    sqlite_template: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with place(tmp_path_factory.mktemp("order"), zoe_process, sqlite_template) as there:
        assert late_or_early(story, there) == []
