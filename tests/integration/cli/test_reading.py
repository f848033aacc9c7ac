"""once, status, events, logs, wait, plan, confirm: what they print, and their exit codes."""

from __future__ import annotations

import json
import re
import shutil
import threading
from pathlib import Path

import pytest
import yaml

from tests.fixtures.site import execution_file
from tests.fixtures.verbs import Clone, Installation, Zoe

BOOK = "executions/aml/book.yaml"
JOB = "executions/aml/job.yaml"
ACTION = {
    "uid", "namespace", "name", "action", "generation",
    "core", "elastic", "position", "start", "reason", "changes", "leaves", "set",
}  # fmt: skip


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """After one ``zoe once`` over a notebook that runs and a file that is broken."""
    folder = tmp_path_factory.mktemp("converged")
    made = Installation.make(folder)
    made.push({BOOK: execution_file("book"), "executions/aml/bad.yaml": "kind: ["})
    done = made.process("once")
    assert (done.code, done.out.split(" at ")[0]) == (0, "1 Invalid, 1 Running")
    return folder


@pytest.fixture
def converged(template: Path, tmp_path: Path, zoe: Zoe) -> Installation:
    return Installation.copied(template, tmp_path / "copy", zoe)


@pytest.fixture
def behind(converged: Installation, clone: Clone) -> Clone:
    return converged.cloned(clone)


def test_status_is_the_listing_that_the_api_has(converged: Installation) -> None:
    result = converged("status", "-o", "json")
    assert result.code == 0
    assert list(result.data) == ["total", "states", "lines", "next"]
    assert (result.data["total"], result.data["states"]) == (2, {"Invalid": 1, "Running": 1})
    bad, book = result.data["lines"]
    assert (bad["name"], bad["state"]) == ("bad", "Invalid")
    assert "executions/aml/bad.yaml:2:1" in bad["message"]
    assert (book["namespace"], book["run"], book["replicas"]) == ("aml", 1, "core 1")
    assert yaml.safe_load(converged("status", "-o", "yaml").out) == result.data


def test_status_for_people_has_a_line_each(converged: Installation) -> None:
    lines = converged("status").out.splitlines()
    assert [line.split("\t")[:2] for line in lines] == [
        ["aml/bad", "Invalid"],
        ["aml/book", "Running"],
    ]
    assert converged("status", "--state", "running").out.startswith("aml/book\tRunning\t")
    assert converged("status", "aml", "-l", "no=such").out == "no executions\n"


def test_status_of_one_says_state_why_and_when_first(converged: Installation) -> None:
    book, bad = (converged("status", name).out.splitlines() for name in ("aml/book", "aml/bad"))
    assert book[0] == "aml/book\tRunning"
    assert re.fullmatch(r"Yes, since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\.", book[1])
    assert any(line.startswith("main\tcore 1\t1\t0\tsim") for line in book)
    assert f"file    {BOOK}:1" in book
    assert bad[0:2] == ["aml/bad\tInvalid", "No, its manifest is invalid."]
    assert bad[2].startswith("executions/aml/bad.yaml:2:1: ")
    data = converged("status", "aml/book", "-o", "json").data
    assert data["answer"] == {"running": book[1], "why": "", "when": book[2]}
    assert [step["fact"] for step in data["timeline"]][:2] == ["first_seen", "generation"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["aml/bok"], 1, "did you mean aml/book?"),
        (["ami"], 1, "did you mean aml?"),
        (["--state", "Runing"], 2, "choose among"),
        (["-l", "a=b=c"], 2, "isn't part of a selector"),
    ],
)
def test_a_slip_in_what_is_asked_is_told(
    converged: Installation, arguments: list[str], code: int, words: str
) -> None:
    result = converged("status", *arguments)
    assert (result.code, words in result.err) == (code, True)


def test_status_needs_only_a_clone(behind: Clone, zoe: Zoe) -> None:
    result = zoe("status", "-o", "json", cwd=behind.path / "executions")
    assert result.code == 0
    assert {d["name"]: d["state"] for d in result.data["lines"]} == {
        "bad": "Invalid",
        "book": "Running",
    }
    told = zoe("status", "aml/book", cwd=behind.path).out
    assert told.startswith("aml/book\tRunning\nYes, since ")


def test_a_clone_without_the_status_branch_says_how_to_get_it(zoe: Zoe, clone: Clone) -> None:
    result = zoe("status", cwd=clone.path)
    assert (result.code, "git fetch origin" in result.err) == (3, True)
    assert "Zoe's first pass makes it" in result.err


def test_where_nothing_is_to_be_read_it_says_where_to_go(zoe: Zoe, tmp_path: Path) -> None:
    result = zoe("status", cwd=tmp_path)
    assert (result.code, "run this in a clone" in result.err) == (2, True)
    assert "ZOE_SERVER" in result.err


def test_what_only_a_clone_or_only_a_database_knows_is_told_apart(
    converged: Installation, behind: Clone, zoe: Zoe
) -> None:
    letter = converged("secret", "show", "aml/book")
    assert (letter.code, "run this in a clone" in letter.err) == (2, True)
    assert "no database" not in letter.err
    held = zoe("confirm", "1234567", cwd=behind.path)
    assert (held.code, "run this where zoe.toml is" in held.err) == (2, True)
    assert "in a clone" not in held.err


def test_cluster_tells_who_holds_how_much_of_each_node(converged: Installation) -> None:
    result = converged("cluster", "-o", "json")
    assert result.code == 0
    cpus = [node["cpu"] for node in result.data["nodes"]]
    assert sum(cpu["reserved"] for cpu in cpus) == 1000  # the notebook's
    assert result.data["cpu"]["reserved"] == 1000
    assert {node["state"] for node in result.data["nodes"]} == {"ready"}
    (block,) = [block for node in result.data["nodes"] for block in node["blocks"]]
    assert (block["name"], block["core"], block["elastic"]) == ("book", 1, 0)
    first, *lines = converged("cluster").out.splitlines()
    assert first.startswith("3 of 3 nodes ready; 8 % of the CPUs and ")
    assert [line.split("\t")[0] for line in lines] == [n["hostname"] for n in result.data["nodes"]]
    assert "aml/book\tmain\t1 core" in converged("cluster", "--all").out


def test_cluster_before_the_first_pass_says_so(installation: Installation) -> None:
    result = installation("cluster")
    assert (result.code, result.out) == (2, "")
    assert "there is no database yet" in result.err


def test_where_there_is_neither_settings_nor_a_clone_both_are_named(
    zoe: Zoe, tmp_path: Path
) -> None:
    result = zoe("cluster", cwd=tmp_path)
    assert (result.code, result.out) == (2, "")
    assert "run this in a clone of the configuration repository, or where zoe.toml is" in result.err


def test_events_tell_the_life_of_an_execution_in_order(converged: Installation) -> None:
    rows = converged("events", "aml/book", "-o", "json").data["lines"]
    assert [row["reason"] for row in reversed(rows)] == [
        "FirstSeen",
        "Generation",
        "Admitted",
        "AttemptIntended",
        "AttemptStarted",
    ]
    keys = {"at", "namespace", "name", "reason", "message", "commit", "id", "isWarning"}
    assert all(set(row) == keys for row in rows)
    assert "AttemptStarted" in converged("events").out
    assert len(converged("events", "--limit", "2", "-o", "json").data["lines"]) == 2


def test_events_of_an_unknown_execution_say_so(converged: Installation) -> None:
    result = converged("events", "aml/bok")
    assert (result.code, "did you mean aml/book?" in result.err) == (1, True)


def test_wait_tells_reached_ended_otherwise_and_timed_out_apart(converged: Installation) -> None:
    assert converged("wait", "aml/book", "--for", "Running").code == 0
    assert converged("wait", "aml/bad", "--for", "running").code == 1
    assert converged("wait", "aml/bad").code == 0
    assert converged("wait", "aml/book", "--for", "Ended", "--timeout", "0s").code == 4
    assert converged("wait", "aml/none", "--timeout", "0s").code == 4
    assert converged("wait", "aml/book", "--timeout", "soon").code == 2


def test_wait_waits_for_the_first_pass_too(installation: Installation) -> None:
    """Nobody knows when ``zoe up`` in another terminal has made its database."""
    result = installation("wait", "aml/book", "--timeout", "0s")
    assert (result.code, "there is no database yet" in result.out) == (4, True)


def test_wait_sees_what_comes_later(installation: Installation) -> None:
    installation.push({BOOK: execution_file("book")})
    done = threading.Thread(target=installation.process, args=("once",))
    done.start()
    try:
        assert installation("wait", "aml/book", "--for", "Running", "--timeout", "50s").code == 0
    finally:
        done.join()


def test_wait_waits_for_the_last_push_to_be_seen(
    installation: Installation, clone: Clone, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation.push({BOOK: execution_file("book")})
    installation.process("once")
    mine = installation.cloned(clone)
    mine.git("branch", "--set-upstream-to", "origin/main")
    monkeypatch.setenv("ZOE_CONFIG", str(installation.path / "zoe.toml"))
    wait = ("wait", "aml/book", "--for", "Running", "--timeout", "0s")
    assert installation.zoe(*wait, cwd=mine.path).code == 0
    mine.commit({BOOK: execution_file("book", image="newer")})
    assert installation.zoe(*wait, cwd=mine.path).code == 0, "it isn't pushed yet"
    mine.git("push", "-q")
    found = installation.zoe(*wait, cwd=mine.path)
    assert (found.code, "hasn't seen what was pushed last" in found.out) == (4, True)
    installation.process("once")
    assert installation.zoe(*wait, cwd=mine.path).code == 0


def test_logs_of_an_unknown_execution_name_the_one_that_was_meant(converged: Installation) -> None:
    result = converged("logs", "aml/bok")
    assert (result.code, "did you mean aml/book?" in result.err) == (1, True)
    assert converged("logs", "aml").code == 2


def test_a_plan_without_changes_is_empty(converged: Installation) -> None:
    told = converged("plan", "--repo", str(converged.repository.path), "-o", "json")
    assert set(told.data) == {
        "snapshot",
        "takenAt",
        "base",
        "head",
        "rules",
        "errors",
        "warnings",
        "actions",
        "effects",
        "quotas",
        "rehearsal",
        "sets",
    }
    assert told.data["actions"] == []
    assert told.data["base"] == told.data["head"] == converged.repository.tip()


def test_a_plan_with_changes_exits_0_and_tells_each(converged: Installation) -> None:
    files = {BOOK: None, "executions/aml/bad.yaml": None, JOB: execution_file()}
    base, head = converged.propose(files)
    result = converged("plan", "--repo", str(converged.repository.path), "--at", head, "-o", "json")
    assert (result.code, result.data["errors"]) == (0, [])
    assert (result.data["base"], result.data["head"]) == (base, head)
    assert {a["name"]: a["action"] for a in result.data["actions"]} == {
        "book": "stop",
        "job": "create",
    }
    assert all(set(action) == ACTION for action in result.data["actions"])
    assert all(set(a["start"]) == {"at", "basis"} for a in result.data["actions"] if a["start"])


def test_a_plan_whose_head_has_errors_exits_1_with_their_places(converged: Installation) -> None:
    base, head = converged.propose({BOOK: "spec: [\n"})
    repo = str(converged.repository.path)
    result = converged("plan", "--repo", repo, "--base", base, "--head", head, "-o", "json")
    assert result.code == 1
    error = next(e for e in result.data["errors"] if e["file"] == BOOK)
    assert set(error) == {"file", "line", "column", "pointer", "code", "message", "remedy"}
    text = converged("plan", "--repo", repo, "--head", head)
    assert (text.code, BOOK in text.err) == (1, True)


def test_a_plan_needs_no_database(zoe: Zoe, clone: Clone) -> None:
    head = clone.commit({BOOK: execution_file("book")})
    clone.git("branch", "topic", head)
    clone.git("reset", "-q", "--hard", "HEAD~1")
    result = zoe("plan", "--head", "topic", "-o", "json", cwd=clone.path)
    assert (result.code, result.data["snapshot"]) == (0, "none")
    (action,) = result.data["actions"]
    assert (action["name"], action["action"]) == ("book", "create")


def test_confirm_lets_a_rewritten_history_through(converged: Installation) -> None:
    rewritten = converged.repository.commit({BOOK: None}, parents=[])
    held = converged.process("once", "--single")
    assert (held.code, "isn't a descendant" in held.err) == (1, True)
    result = converged("confirm", rewritten[:12])
    assert (result.code, result.out) == (0, f"confirmed {rewritten[:12]}\n")
    let = converged.process("once", "--single")
    assert (let.code, f"at {rewritten[:12]}" in let.out, let.err.count("held")) == (0, True, 0)


def test_confirm_of_what_nobody_has_is_refused(converged: Installation) -> None:
    result = converged("confirm", "0123456789ab")
    assert (result.code, "no commit or branch" in result.err) == (1, True)


def test_a_revision_that_isnt_there_is_no_outage(behind: Clone, zoe: Zoe) -> None:
    """Scripts try again after a 3."""
    for arguments, code in (
        (["plan", "--head", "topc"], 1),
        (["plan", "--base", "topc"], 1),
        (["diff", "aml/book", "topc"], 2),
    ):
        result = zoe(*arguments, cwd=behind.path)
        assert (result.code, "no commit or branch topc" in result.err) == (code, True)


@pytest.mark.parametrize("verb", ["run", "once", "rebuild"])
def test_where_no_source_is_set_no_database_is_made(installation: Installation, verb: str) -> None:
    """In the wrong folder people's verbs would read from it ever after."""
    (installation.path / "zoe.toml").unlink()
    result = installation.process(verb)
    assert (result.code, "exactly one [[source]]" in result.err) == (2, True)
    assert list(installation.path.iterdir()) == []


def test_once_tells_git_swarm_and_database_that_cant_be_reached(installation: Installation) -> None:
    installation.configure(database_url="postgresql://nobody@127.0.0.1:1/zoe")
    gone = installation.process("once")
    assert (gone.code, "the database" in gone.err) == (3, True)
    installation.configure(cluster="swarm", docker_host="tcp://127.0.0.1:1")
    gone = installation.process("once")
    assert (gone.code, "connecting to the engine" in gone.err) == (3, True)
    assert "tcp://127.0.0.1:1 (docker_host, or DOCKER_HOST)" in gone.err
    installation.configure()
    shutil.rmtree(installation.repository.path)
    gone = installation.process("once")
    assert (gone.code, "there is no such directory" in gone.err) == (3, True)


def test_once_goes_on_with_the_last_commit_and_tells_that_git_is_away(
    converged: Installation,
) -> None:
    shutil.rmtree(converged.repository.path)
    done = converged.process("once")
    assert (done.code, done.out.split(" at ")[0]) == (3, "1 Invalid, 1 Running")
    assert "held: can't fetch from" in done.err


def test_a_database_that_cant_be_reached_is_three_for_readers_too(
    installation: Installation,
) -> None:
    installation.configure(database_url="postgresql://nobody@127.0.0.1:1/zoe")
    for verb in (["status"], ["events"], ["wait", "aml/book"], ["logs", "aml/book"]):
        assert installation(*verb).code == 3


def test_a_state_folder_that_cant_be_made_is_told_in_a_sentence(installation: Installation) -> None:
    (installation.path / "file").write_text("")
    installation.configure(state_dir="file/state")
    result = installation.process("once")
    assert (result.code, "state_dir" in result.err) == (2, True)


def test_once_on_a_terminal_or_not_ends_with_a_line_for_scripts(converged: Installation) -> None:
    again = converged.process("once")
    assert again.out.startswith("1 Invalid, 1 Running at ")
    for line in again.err.splitlines():
        assert json.loads(line)["level"] in ("info", "warning")
