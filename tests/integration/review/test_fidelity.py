"""What a plan says is what happens: random repositories, clusters and commits.

The plan comes from a process of its own, which knows the database and the repository; what
happens is what the Cluster port records over the passes after the merge.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings

from tests.fixtures.zoe_process import ZoeProcess
from tests.integration.review.drawing import Story, queues, stories
from tests.integration.review.world import Happened, Place, place


def differences(plan: dict[str, Any], happened: dict[str, Happened]) -> Iterator[str]:
    """Yield where the plan said something else than what happened."""
    actions = {action["uid"]: action for action in plan["actions"]}
    effects = {effect["uid"]: effect for effect in plan["effects"]}
    for uid in sorted({*actions, *effects, *happened}):
        seen = happened.get(uid, Happened())
        action, effect = actions.get(uid), effects.get(uid)
        name = (action or effect or {"name": uid})["name"]
        told = _told(action, effect, seen, plan)
        if told:
            start = (action or effect or {}).get("start")
            what = (action or {}).get("action") or (effect or {}).get("effect")
            yield f"{name}: {what} {start} {(action or {}).get('reason')}; {told}; {seen}"


def _told(action: Any, effect: Any, seen: Happened, plan: dict[str, Any]) -> str:
    was = seen.replicas_before
    if action is None:
        match effect["effect"] if effect else None:
            case "revoked":
                ok = not seen.removed or seen.replicas
                return "" if ok and was - seen.replicas == effect["replicas"] else "revokes"
            case "granted":
                return "" if seen.replicas - was == effect["replicas"] else "grants"
            case "stopped":
                return "" if seen.removed else "stopped"
            case "delayed":
                return "delayed" if seen.created or seen.removed or seen.rolled else ""
            case "earlier":
                return ""
            case _:
                return "untouched" if seen.created or seen.rolled or was != seen.replicas else ""
    starts = action["start"]["basis"] == "fits now"
    size = action["core"] + action["elastic"]
    match action["action"]:
        case "stop":
            return "" if seen.removed == bool(was) and not seen.replicas else "stops"
        case "create":
            return (
                ""
                if seen.created == starts and (not starts or seen.replicas == size)
                else "creates"
            )
        case "replace":
            return "" if seen.removed and seen.created == starts else "replaces"
        case "rolling":
            return "" if seen.rolled and seen.replicas == size else "rolls"
        case "in place":
            if "is suspended" in action["reason"]:
                return "" if seen.removed == bool(was) and not seen.replicas else "suspends"
            if was:
                return "" if not seen.rolled and seen.replicas == size else "in place"
            return "" if seen.created == starts else "in place starts"
        case _:
            return "" if not seen.created and not seen.removed and not seen.rolled else "nothing"


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
    before, known = there.live(), there.own_accord()
    head, plan = there.plan(story.files(last))
    there.merge(head)
    there.settle()
    happened = there.happened(before)
    assume(there.own_accord() == known)  # that no plan can know
    return list(differences(plan, happened))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(story=stories())
def test_what_the_plan_says_is_what_the_next_passes_do(
    story: Story, zoe_process: ZoeProcess, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with place(tmp_path_factory.mktemp("fidelity"), zoe_process) as there:
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


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=10)
@given(story=queues())
def test_what_waits_starts_when_the_plan_says(
    story: Story, zoe_process: ZoeProcess, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with place(tmp_path_factory.mktemp("order"), zoe_process) as there:
        assert late_or_early(story, there) == []
