"""A plan, made by a process of its own from a clone, against what the next pass then does."""

from __future__ import annotations

import json
import subprocess

import pytest

from reconciler.converge.state import LABEL_UID
from tests.e2e.installation import Installation, labels
from tests.e2e.manifests import FOREVER, batch, execution, path, service

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
# A new execution is created at once only where the plan says so; what is replaced first
# makes room, and only the pass after that starts it elsewhere.
EFFECTS = {"stop": "stopped", "replace": "stopped", "rolling": "changed"}

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
    both = before.keys() & after.keys()
    return effects | {uid: "changed" for uid in both if before[uid] != after[uid]}


def _promised(action: dict[str, str], start: dict[str, str]) -> str | None:
    if action == "create":
        return "created" if start["basis"] == "fits now" else None
    return EFFECTS.get(action)


def test_what_the_plan_says_is_what_the_next_pass_does(installation: Installation) -> None:
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
        ("again", "create"),
        ("again", "stop"),
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
    installation.zoe("once", "--single")
    assert _effects(before, _versions(installation)) == {
        action["uid"]: effect
        for action in actions
        if (effect := _promised(action["action"], action["start"])) is not None
    }
