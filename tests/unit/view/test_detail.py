"""All of one execution: from its status, its facts, what was harvested, and where it is written."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from policy.model.execution import Uid
from reconciler.converge.ledger import Entry, Fact
from reconciler.converge.status import Endpoint, TaskStatus
from reconciler.reporting.records import Board, CommitRow, Harvest, Tail
from reconciler.view import detail, encoding
from reconciler.view.answer import Answer
from reconciler.view.detail import Known
from reconciler.view.execution import (
    ConditionLine,
    Detail,
    GitBox,
    Log,
    Part,
    Step,
)
from reconciler.view.links import Links
from tests.documents import COMMIT, EARLIER, NOW, component, condition, picture, told

THEN = datetime.fromisoformat(EARLIER)
LINKS = Links(provider="github", base="https://forge/lab", branch="main")
ROW = CommitRow(
    id=COMMIT,
    source_id="platform",
    author="Ada",
    committed_at=THEN,
    message="Add it\n\nmore",
    seen_at=THEN,
    signer="ada",
    pull=7,
)
TASKS = [{"node": "n1", "state": "running", "image": "busybox@sha256:1"}]
BOOK = told(
    "aml/book",
    "Running",
    startedAt=EARLIER,
    components=[component("nb", 1, 1, 2, image="busybox@sha256:1", tasks=TASKS)],
    endpoints=[{"component": "nb", "name": "web", "url": "http://10.0.0.1:80/"}],
    conditions=[condition("Ready", "Running", "all is up")],
    labels={"course": "aml"},
)
OLDER = told("aml/book", "Failed", "NonZeroExit", run=0)
ENTRIES = [
    Entry(uid=Uid("aml/book:1"), run=1, fact=Fact.FIRST_SEEN, at=THEN, seq=1),
    Entry(
        uid=Uid("aml/book:1"),
        run=1,
        fact=Fact.GENERATION,
        at=THEN,
        seq=2,
        generation=1,
        commit=COMMIT,
    ),
]


def harvest(**fields: object) -> Harvest:
    whole = {
        "uid": Uid("aml/book:1"),
        "attempt": 1,
        "component": "nb",
        "node": "n1",
        "exit_code": 3,
        "error": "",
        "log_tail": "done\n",
        "at": THEN,
    }
    return Harvest(**{**whole, **fields})  # type: ignore[arg-type]


OPEN = Board(namespaces={"aml": {"page": {"logs": True}}})


def test_everything_that_is_known_is_put_together() -> None:
    seen = picture(BOOK, OLDER, board=OPEN)
    known = Known(entries=ENTRIES, commits={COMMIT: ROW}, harvests=[harvest()])
    found = detail.of(seen, BOOK, known, links=LINKS)
    assert found == Detail(
        line=found.line,
        answer=Answer(running="Yes, since 2026-11-22T12:00:00Z."),
        generation=1,
        parts=(
            Part(
                name="nb",
                core=1,
                elastic=1,
                granted=2,
                running=2,
                restarts=0,
                nodes=("n1",),
                image="busybox@sha256:1",
                tasks=(TaskStatus(node="n1", state="running", image="busybox@sha256:1"),),
            ),
        ),
        reach=(Endpoint(component="nb", name="web", url="http://10.0.0.1:80/"),),
        conditions=(
            ConditionLine(
                type="Ready", status="True", reason="Running", message="all is up", since=THEN
            ),
        ),
        git=GitBox(
            path="executions/aml/book.yaml",
            line=3,
            commit=COMMIT,
            author="Ada",
            committed_at=THEN,
            signer="ada",
            pull=7,
            commit_url=f"https://forge/lab/commit/{COMMIT}",
            file_url="https://forge/lab/blob/main/executions/aml/book.yaml#L3",
            edit_url="https://forge/lab/edit/main/executions/aml/book.yaml",
            delete_url="https://forge/lab/delete/main/executions/aml/book.yaml",
            pull_url="https://forge/lab/pull/7",
        ),
        timeline=(
            Step(at=THEN, told="first seen", fact="first_seen", run="run 1"),
            Step(
                at=THEN,
                told="generation 1",
                fact="generation",
                run="run 1",
                commit=COMMIT,
                by="Ada: Add it",
                generation=1,
            ),
        ),
        logs=(Log(component="nb", node="n1", text="done\n", at=THEN, attempt=1, exit_code=3),),
        runs=found.runs,
    )
    assert [line.run for line in found.runs] == [0]
    assert encoding.from_json(Detail, encoding.to_json(found)) == found


def test_a_history_tells_every_run_or_one_and_its_newest_steps() -> None:
    def seen(run: int, seq: int) -> Entry:
        return Entry(uid=Uid(f"aml/book:{run}"), run=run, fact=Fact.FIRST_SEEN, at=THEN, seq=seq)

    entries = [seen(1, 1), seen(2, 2), seen(3, 3)]
    every = detail.history_of(entries, {})
    assert [step.run for step in every.steps] == ["run 1", "run 2", "run 3"]
    assert [step.run for step in detail.history_of(entries, {}, run=2).steps] == ["run 2"]
    many = [seen(1, seq) for seq in range(detail.MOST_STEPS + 3)]
    newest = detail.history_of([*many, seen(4, detail.MOST_STEPS + 3)], {})
    assert (len(newest.steps), newest.earlier) == (detail.MOST_STEPS, 4)
    assert newest.steps[-1].run == "run 4"


def test_the_run_that_stands_for_a_name_is_found_or_one_like_it() -> None:
    night = told("aml/night", "Scheduled", run=0)
    ran = told("aml/night", "Succeeded", run=1_795_350_000)
    seen = picture(BOOK, night, ran)
    assert detail.find(seen, "aml", "night") is night
    assert detail.find(seen, "aml", "night", 1_795_350_000) is ran
    assert detail.find(seen, "aml", "night", 3) is None
    assert detail.find(seen, "aml", "bok") is None


@pytest.mark.parametrize("board", [Board(), Board(namespaces={"aml": {"page": {"logs": False}}})])
def test_logs_are_shown_only_where_the_namespace_lets_them(board: Board) -> None:
    known = Known(harvests=[harvest(log_tail="secret")])
    found = detail.of(picture(BOOK, board=board), BOOK, known)
    assert (found.logs, "page: {logs: true}" in found.logs_told) == ((), True)
    assert "secret" not in str(encoding.to_json(found))


def test_logs_show_what_acts_on_a_terminal_as_escapes() -> None:
    tail = Tail(uid=Uid("u"), component="nb", node="n1", text="\x1b[2J\u202eab\tc\n", at=NOW)
    found = detail.of(picture(BOOK, board=OPEN), BOOK, Known(tails=[tail]))
    assert [log.text for log in found.logs] == ["\\x1b[2J\\u202eab\tc\n"]
    assert found.logs_told == ""


@pytest.mark.parametrize(
    ("document", "words"), [(BOOK, "printed nothing yet"), (OLDER, "nothing that it printed")]
)
def test_without_logs_it_says_why(document: dict[str, object], words: str) -> None:
    found = detail.of(picture(BOOK, OLDER, board=OPEN), document)
    assert (found.logs, words in found.logs_told) == ((), True)


def test_what_the_engine_said_last_is_told_with_a_failure_and_its_tasks() -> None:
    failed = told(
        "aml/job",
        "Failed",
        "Rejected",
        endedAt=EARLIER,
        components=[component("nb", 1, 0, 0), component("other", 1, 0, 0)],
    )
    ended = [
        harvest(error="the first"),
        harvest(error="no such mount\x00: /x\nat daemon", at=THEN + timedelta(seconds=1)),
        harvest(component="other"),
    ]
    found = detail.of(picture(failed), failed, Known(harvests=ended))
    assert found.answer.why == "A node refused to run it: no such mount\\x00: /x."
    tasks = [[(task.state, task.exit_code) for task in part.tasks] for part in found.parts]
    assert tasks == [[("ended", 3)] * 2, [("ended", 3)]]


def test_a_manifest_that_was_never_valid_has_no_place_in_git() -> None:
    bad = {**told("aml/bad", "Invalid", message="f.yaml:1:1: no", run=0), "source": {}}
    found = detail.of(picture(bad), bad)
    assert (found.git, found.timeline, found.parts) == (None, (), ())
    assert detail.commits_named(bad, ()) == frozenset()
    assert detail.commits_named(BOOK, ENTRIES) == {COMMIT}
