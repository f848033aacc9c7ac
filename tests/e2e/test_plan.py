"""A plan, made by a process of its own from a clone, against what the next passes do."""

from __future__ import annotations

import json
import subprocess

import pytest

from reconciler.converge.state import LABEL_UID
from tests.e2e.history import ServiceEvents
from tests.e2e.installation import Installation, labels
from tests.e2e.manifests import FOREVER, batch, execution, path, service
from tests.e2e.process import Json

pytestmark = [pytest.mark.swarm, pytest.mark.postgres, pytest.mark.slow]

HUGE = {"reservations": {"cpus": 64, "memory": "16MiB"}}
BEFORE = {
    path("stays"): execution("stays"),
    path("goes"): execution("goes"),
    path("rolls"): execution("rolls", {"main": service(environment={"VERSION": "1"})}),
    path("extended"): execution("extended", lifetime="1h"),
    path("moves"): execution("moves"),
    path("again"): execution("again"),
    path("done"): batch("done", "echo done"),
    path("repeated"): batch("repeated", "echo done"),
}
AFTER = {
    path("goes"): None,
    path("rolls"): execution("rolls", {"main": service(environment={"VERSION": "2"})}),
    path("extended"): execution("extended", lifetime="2h"),
    path("moves"): execution(
        "moves", {"main": service(placement={"constraints": ["node.hostname == node3"]})}
    ),
    path("again"): execution("again", run=2),
    path("done"): batch("done", "echo done otherwise"),
    path("repeated"): batch("repeated", "echo done", spec={"run": 2}),
    path("fresh"): execution("fresh"),
    path("fresh-batch"): batch("fresh-batch", FOREVER),
    path("huge"): execution("huge", {"main": service(resources=HUGE)}),
}
EFFECTS = {"stop": "stopped", "rolling": "changed"}

Versions = dict[str, dict[str, int]]


def _versions(installation: Installation) -> Versions:
    """Return uid -> service -> version."""
    found: Versions = {}
    for there in installation.services():
        name, version = there["Spec"]["Name"], there["Version"]["Index"]
        found.setdefault(labels(there)[LABEL_UID], {})[name] = version
    return found


def _effects(before: Versions, after: Versions) -> dict[str, str]:
    """Return what happened to each uid's services, without those that nothing happened to."""
    effects = dict.fromkeys(after.keys() - before.keys(), "created")
    effects |= dict.fromkeys(before.keys() - after.keys(), "stopped")
    for uid in before.keys() & after.keys():
        if before[uid].keys().isdisjoint(after[uid]):
            effects[uid] = "moved"
        elif before[uid] != after[uid]:
            effects[uid] = "changed"
    return effects


def _promised(action: str, start: dict[str, str]) -> str | None:
    starts = start["basis"] == "fits now"
    match action:
        case "create":
            return "created" if starts else None
        case "replace":
            return "moved" if starts else "stopped"
        case _:
            return EFFECTS.get(action)


def test_what_the_plan_says_is_what_the_next_passes_do(installation: Installation) -> None:
    base = installation.push(BEFORE)
    installation.settle()
    references = installation.repository.git.references
    references.create("refs/heads/change", base)
    head = installation.push(AFTER, branch="change")
    clone = installation.folder / "clone"
    subprocess.run(["git", "clone", "--quiet", installation.url, clone], check=True)
    printed = installation.zoe(
        *("plan", "--repo", str(clone), "--base", base, "--head", head, "-o", "json")
    )
    actions = json.loads(printed)["actions"]
    assert [(a["name"], a["action"]) for a in actions] == [
        ("again", "stop"),
        ("again", "create"),
        ("done", "refused"),
        ("extended", "in place"),
        ("fresh", "create"),
        ("fresh-batch", "create"),
        ("goes", "stop"),
        ("huge", "create"),
        ("moves", "replace"),
        ("repeated", "create"),
        ("rolls", "rolling"),
    ]
    before = _versions(installation)
    references.create("refs/heads/main", head, force=True)
    with ServiceEvents(installation.swarm, "create", "remove") as events:
        installation.zoe("once")
        happened = events.end()
    assert _effects(before, _versions(installation)) == {
        action["uid"]: effect
        for action in actions
        if (effect := _promised(action["action"], action["start"])) is not None
    }
    _assert_what_stops_makes_room_first(actions, happened)


def _assert_what_stops_makes_room_first(
    actions: list[Json], happened: list[tuple[str, str]]
) -> None:
    """What takes the place of something is created after that was removed."""
    uids = {(a["name"], a["action"]): a["uid"] for a in actions}
    again = {"remove": uids["again", "stop"], "create": uids["again", "create"]}
    moves = dict.fromkeys(("remove", "create"), uids["moves", "replace"])
    for uid_of in (again, moves):
        order = [what for what, name in happened if uid_of[what] in name]
        assert order == ["remove", "create"]
