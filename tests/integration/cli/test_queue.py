"""queue, explain and plan: what they say of who waits, from the database and from a clone."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.site import namespace_file
from tests.fixtures.verbs import Clone, Installation, Zoe

INSTANT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
AML = (
    "apiVersion: zoe/v1\nkind: Namespace\nmetadata: {name: aml}\n"
    "spec: {quota: {maximum: {cpus: 30}}}\n"
)


def execution(
    name: str, cpus: int, *, replicas: str = "1", type_: str = "streaming", extra: str = ""
) -> str:
    return (
        f"apiVersion: zoe/v1\nkind: Execution\nmetadata: {{name: {name}}}\n"
        f"spec:\n  type: {type_}\n{extra}  services:\n    worker:\n      image: busybox\n"
        f"      replicas: {replicas}\n"
        f"      resources: {{reservations: {{cpus: {cpus}, memory: 1GiB}}}}\n"
    )


# Three nodes with 4 CPUs each: the first fills them, so that everybody else waits for its end.
FIRST = {
    "namespaces/aml.yaml": AML,
    "namespaces/bio.yaml": namespace_file("bio"),
    "executions/aml/holds.yaml": execution("holds", 4, replicas="3", extra="  lifetime: 4h\n"),
}
THEN = {
    "executions/bio/soon.yaml": execution("soon", 2, extra="  size: S\n"),
    "executions/aml/later.yaml": execution("later", 4, replicas="3", extra="  priority: low\n"),
    "executions/aml/giant.yaml": execution("giant", 64),
    "executions/aml/rests.yaml": execution("rests", 1, extra="  suspend: true\n"),
}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A full cluster, two that wait for room, one that can never fit, one suspended."""
    folder = tmp_path_factory.mktemp("queue")
    made = Installation.make(folder)
    for files in (FIRST, THEN):
        made.push(files)
        assert made.process("once").code == 0
    return folder


@pytest.fixture
def busy(template: Path, tmp_path: Path, zoe: Zoe) -> Installation:
    return Installation.copied(template, tmp_path / "copy", zoe)


@pytest.fixture
def behind(busy: Installation, clone: Clone) -> Clone:
    return busy.cloned(clone)


def test_the_queue_is_in_order_with_reasons_and_starts(busy: Installation) -> None:
    told = busy("queue", "-o", "json").data
    assert [(w["position"], w["name"], w["code"]) for w in told["waiting"]] == [
        (1, "soon", "NoCapacity"),
        (2, "later", "NoCapacity"),
    ]
    soon, later = told["waiting"]
    assert soon["amounts"] == {"cpu": 2000, "memory": 1024**3}
    assert soon["shortfall"] == {"cpu": 2000}
    assert later["ahead"] == ["bio/soon: its priority is higher"]
    assert soon["start"]["basis"] == "lifetimes"
    taken_at, at = (datetime.fromisoformat(t) for t in (told["takenAt"], soon["start"]["at"]))
    assert timedelta(hours=3, minutes=58) < at - taken_at <= timedelta(hours=4)
    assert later["start"]["at"] > soon["start"]["at"]
    assert "what authors say" in later["start"]["basis"]
    (never,) = told["never"]
    assert (never["name"], "at" in never["start"]) == ("giant", False)
    assert told["policy"] == "fair"
    assert told["running"] == []


def test_the_queue_for_people_is_short_and_says_how_old_it_is(busy: Installation) -> None:
    out = busy("queue").out
    assert re.search(rf"^2 wait, as of {INSTANT}$", out, re.MULTILINE)
    (soon,) = [line.split("\t") for line in out.splitlines() if "\tbio/soon\t" in line]
    assert (soon[0], soon[2], soon[4]) == ("1", "2 CPUs, 1 GiB memory", "lacks 2 CPUs")
    assert re.fullmatch(INSTANT, soon[3])
    assert "can't start as things are:\naml/giant\t" in out
    assert "running:" not in out
    assert "starts by estimates of running work (what authors say), or by lifetimes" in out
    assert "aml/holds\tcore 3\ton sim1, sim2 and sim3\tuntil 20" in busy("queue", "--all").out


def test_a_namespace_of_its_own_keeps_its_position_in_the_whole_queue(busy: Installation) -> None:
    told = busy("queue", "-n", "aml", "-o", "json").data
    assert [(w["position"], w["name"]) for w in told["waiting"]] == [(2, "later")]
    assert "nobody waits, as of" in busy("queue", "-n", "nobody").out


def test_a_clone_tells_the_same_as_the_database(
    busy: Installation, behind: Clone, zoe: Zoe
) -> None:
    for verb in (["queue", "--all"], ["cluster"]):
        own, far = busy(*verb, "-o", "json"), zoe(*verb, "-o", "json", cwd=behind.path)
        assert far.code == 0
        assert _lasting(far.data) == _without_limits(_lasting(own.data))
    # The status branch holds no sentences, so the page's own words come from its reasons.
    for name in ("aml/later", "aml/holds", "bio/soon"):
        own = busy("explain", name, "-o", "json")
        far = zoe("explain", name, "-o", "json", cwd=behind.path)
        assert far.data["answer"] == own.data["answer"]
        assert _lasting(far.data.get("waiting")) == _lasting(own.data.get("waiting"))


def _lasting(view: dict[str, Any] | None) -> dict[str, Any]:
    """Return a view without what time alone changes: the branch's snapshot may be older by that."""
    return {k: v for k, v in (view or {}).items() if k not in ("snapshot", "takenAt", "standing")}


def _without_limits(view: Any) -> Any:
    """Return a view as who knows no limits has it: the status branch holds no components."""
    match view:
        case dict():
            return {k: 0 if k == "limit" else _without_limits(v) for k, v in view.items()}
        case list():
            return [_without_limits(item) for item in view]
        case _:
            return view


def test_explain_says_why_where_who_and_what_would_help(busy: Installation) -> None:
    whole = busy("explain", "aml/later", "-o", "json").data
    told = whole["waiting"]
    assert (whole["line"]["state"], told["position"], told["waiting"]) == ("Queued", 2, 2)
    assert told["standing"][:2] == ["number 2 of 2", "behind bio/soon: its priority is higher"]
    assert told["standing"][-1].startswith("is served next, whatever its rank, in ")
    ((answer,),) = [asked["answers"] for asked in told["asked"]]
    assert (answer["nodes"], answer["rule"]) == (["sim1", "sim2", "sim3"], "resources")
    kinds = [change["kind"] for fix in told["remedies"] for change in fix["changes"]]
    assert "add-nodes" in kinds


def test_explain_for_people_begins_with_three_sentences(busy: Installation) -> None:
    lines = busy("explain", "bio/soon").out.splitlines()
    assert lines[:3] == [
        "bio/soon\tQueued",
        "No, it waits in the queue: number 1 of 2.",
        "It waits for 2 CPUs, 1 GiB memory: lacks 2 CPUs.",
    ]
    assert re.fullmatch(rf"Starts about {INSTANT}( \(.*\))?, by lifetimes\.", lines[3])
    assert "  - wait until aml/holds ends, about " in "\n".join(lines)
    giant = busy("explain", "aml/giant").out.splitlines()
    assert giant[1] == "No, and as things are it can't start."
    assert giant[2].startswith("Its core alone is more than ")
    assert "raise the quota's maximum of namespace aml to " in giant[3]


def test_explain_of_what_doesnt_wait_says_what_it_does_instead(busy: Installation) -> None:
    holds = busy("explain", "aml/holds").out.splitlines()
    assert holds[0] == "aml/holds\tRunning"
    assert re.fullmatch(rf"It ends at {INSTANT} at the latest\.", holds[-1])
    assert busy("explain", "aml/rests").out.splitlines() == [
        "aml/rests\tSuspended",
        "No, it is suspended.",
        "Suspend is true in its manifest.",
        "When it is resumed: zoe resume aml/rests.",
    ]
    unknown = busy("explain", "aml/hold")
    assert (unknown.code, "did you mean aml/holds?" in unknown.err) == (1, True)


def test_a_plan_says_when_what_waits_would_start(busy: Installation) -> None:
    _, head = busy.propose({"executions/bio/new.yaml": execution("new", 1, extra="  size: S\n")})
    result = busy("plan", "--repo", str(busy.repository.path), "--at", head, "-o", "json")
    (action,) = result.data["actions"]
    assert (action["name"], action["position"]) == ("new", 2)
    assert action["start"]["at"] is not None
    assert action["start"]["basis"] == "lifetimes"
    text = busy("plan", "--repo", str(busy.repository.path), "--at", head).out
    assert re.search(r"new create, number 2 in the queue \[starts about .*, by lifetimes\]", text)


def test_a_plan_in_a_clone_reads_the_queue_from_the_status_branch(
    busy: Installation, behind: Clone, zoe: Zoe
) -> None:
    files = {
        "executions/bio/new.yaml": execution("new", 1, extra="  size: S\n"),
        "executions/bio/soon.yaml": execution("soon", 2, extra="  size: S\n  run: 2\n"),
        "executions/aml/holds.yaml": None,
    }
    _, head = busy.propose(files)
    behind.git("fetch", "-q", "origin", "topic")
    told = [
        result.data
        for result in (
            busy("plan", "--repo", str(busy.repository.path), "--at", head, "-o", "json"),
            zoe("plan", "--at", head, "-o", "json", cwd=behind.path),
        )
    ]
    shown = [
        [(a["name"], a["action"], a["position"], a["start"]["basis"]) for a in one["actions"]]
        for one in told
    ]
    assert shown[0] == shown[1]
    assert "none" not in {one["snapshot"] for one in told}


def test_before_the_first_pass_there_is_no_queue(installation: Installation) -> None:
    result = installation("queue")
    assert (result.code, "first zoe once" in result.err or "run this in" in result.err) == (2, True)


def test_a_snapshot_that_makes_no_sense_is_said_to_be_so(behind: Clone, zoe: Zoe) -> None:
    behind.git("checkout", "-q", "-b", "broken", "origin/zoe/status")
    behind.commit({"cluster/snapshot.yaml": "nodes: 1\n"})
    behind.git("update-ref", "refs/remotes/origin/zoe/status", "HEAD")
    behind.git("checkout", "-q", "main")
    result = zoe("queue", cwd=behind.path)
    assert (result.code, "the snapshot can't be read" in result.err) == (1, True)


def test_a_plan_says_who_starts_later_and_prints_as_a_comment(busy: Installation) -> None:
    files = {
        "executions/bio/urgent.yaml": execution("urgent", 4, extra="  priority: high\n  size: L\n"),
        "executions/bio/soon.yaml": execution("soon", 3, extra="  size: S\n"),
    }
    _, head = busy.propose(files)
    arguments = ("plan", "--repo", str(busy.repository.path), "--at", head)
    told = busy(*arguments, "-o", "json").data
    (later,) = [e for e in told["effects"] if e["name"] == "later"]
    assert (later["effect"], later["start"]["after"] > later["start"]["before"]) == (
        "delayed",
        True,
    )
    (soon,) = [a for a in told["actions"] if a["name"] == "soon"]
    path = "services.worker.reservations.cpu_millis"
    assert soon["changes"] == [{"path": path, "before": "2 CPUs", "after": "3 CPUs"}]
    assert [w["code"] for w in told["warnings"]] == ["NoLifetime", "NoLifetime"]
    comment = busy(*arguments, "-o", "markdown").out
    assert comment.startswith("<!-- zoe:plan -->\n\n### 1 created, 1 changed in place, 1 other ")
    assert busy(*arguments, "-o", "markdown").out == comment
    sarif = busy(*arguments, "-o", "sarif").data
    assert {r["ruleId"] for r in sarif["runs"][0]["results"]} == {"NoLifetime"}
