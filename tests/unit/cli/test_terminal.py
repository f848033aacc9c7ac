"""What people's verbs print of a view: plain into a pipe, in colours on a terminal."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.cli import main
from reconciler.converge.status import Endpoint
from reconciler.view import encoding, queue_page
from reconciler.view.cluster import Block, ClusterView, NodeView, Share
from reconciler.view.execution import Answer, ConditionLine, Detail, GitBox, Part
from reconciler.view.glance import Freshness, Glance
from reconciler.view.line import Line
from reconciler.view.listing import Listing
from reconciler.view.queue import Held, Holding, Queue, Start, Waiting
from reconciler.view.waiting import Asked, Explanation, NodeAnswer, Remedy
from tests.fixtures.api_server import ApiServer, Reply, problem
from tests.fixtures.verbs import CHECKOUT

GOLDEN = Path(__file__).parents[2] / "golden" / "terminal"
GIB = 1024**3
NOW = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
SOON = NOW + timedelta(minutes=20)

RUNNING = Line(
    namespace="aml",
    name="book",
    uid="1",
    run=1,
    state="Running",
    reason="Running",
    message="all core components are up",
    urls=("http://10.0.0.7:8888/lab",),
    started_at=NOW,
)
LINES = (
    RUNNING,
    replace(RUNNING, name="night", state="Failed", reason="NonZeroExit", urls=(), due_at=NOW,
            message="failed with exit code 3", attempt=2, attempts=3),
    replace(RUNNING, name="wide", state="Queued", reason="NoCapacity", urls=(), message=""),
    replace(RUNNING, name="kept", state="Pending", reason="DependencyNotReady", urls=(),
            message="waits until first has succeeded", held="held by root: the disk is changed"),
)  # fmt: skip
WIDE = Waiting(
    position=1,
    uid="2",
    namespace="aml",
    name="wide",
    queued_at=NOW,
    needs="8 CPUs, 4 GiB memory",
    amounts={"cpu": 8000},
    start=Start(
        told="starts about 2026-11-22T14:20:00Z (2026-11-22T14:00:00Z or later), by lifetimes",
        at=SOON,
        earliest=NOW,
        basis="lifetimes",
    ),
    code="NoCapacity",
    why="lacks 2 CPUs",
)
BEHIND = replace(
    WIDE,
    position=2,
    name="small",
    start=Start(told="unknown", because="unknown, because aml/book has no lifetime"),
    why="behind aml/wide",
    ahead=("aml/wide: it came earlier",),
)
QUEUE = Queue(
    snapshot="s1",
    taken_at=NOW,
    policy="fair",
    rule="in turn",
    waiting=(WIDE, BEHIND),
    never=(replace(WIDE, name="giant", why="no node is large enough for worker"),),
    running=(
        Holding(
            uid="1",
            namespace="aml",
            name="book",
            replicas="core 1, 2 of 4 elastic",
            nodes=("n1", "n2"),
            ends_at=SOON,
        ),
    ),
    held=(Held(namespace="aml", name="kept", why="held by root: the disk is changed"),),
    notes=("starts by lifetimes; newcomers of a higher rank come first",),
)
EXPLAINED = Explanation(
    uid="2",
    namespace="aml",
    name="wide",
    snapshot="s1",
    taken_at=NOW,
    sentence="aml/wide waits for 8 CPUs, 4 GiB memory: lacks 2 CPUs",
    start=WIDE.start,
    position=1,
    waiting=2,
    policy="fair",
    rule="in turn",
    code="NoCapacity",
    standing=("number 1 of 2: nobody waits ahead of it", "priority 0"),
    asked=(
        Asked(
            component="worker",
            told="2 with 4 CPUs each",
            answers=(
                NodeAnswer(nodes=("n1",), told="takes 1", takes=1),
                NodeAnswer(nodes=("n2", "n3"), told="needs 4 CPUs, 2 CPUs free", rule="resources"),
            ),
        ),
    ),
    remedies=(Remedy(told="wait until aml/book ends", about=SOON), Remedy(told="ask for less")),
)
WAITS = Detail(
    line=LINES[2],
    answer=Answer(
        running="No, it waits in the queue: number 1 of 2.",
        why="It waits for 8 CPUs, 4 GiB memory: lacks 2 CPUs.",
        when="Starts about 2026-11-22T14:20:00Z (2026-11-22T14:00:00Z or later), by lifetimes.",
    ),
    waiting=EXPLAINED,
)
RUNS = Detail(
    line=RUNNING,
    answer=Answer(running="Yes, since 2026-11-22T14:00:00Z.", when="It ends by itself."),
    parts=(
        Part(name="nb", core=1, elastic=4, granted=3, running=3, restarts=0, nodes=("n1", "n2"),
             image="quay.io/nb@sha256:1"),
        Part(name="db", core=2, elastic=0, granted=1, running=0, restarts=7),
    ),
    reach=(Endpoint(component="nb", name="web", url="http://10.0.0.7:8888/lab"),),
    conditions=(
        ConditionLine(type="Ready", status="True", reason="Running", message="up", since=NOW),
        ConditionLine(type="Admitted", status="True", reason="Admitted"),
    ),
    git=GitBox(path="executions/aml/book.yaml", line=1, commit="c" * 40, author="Ada",
               signer="ada", pull=7, pull_url="https://forge/lab/pull/7",
               edit_url="https://forge/lab/edit/main/executions/aml/book.yaml"),
)  # fmt: skip
HALF = Share(capacity=4000, reserved=2000, foreign=500, headroom=500)
MEMORY = Share(capacity=8 * GIB, reserved=GIB, foreign=0)
CLUSTER = ClusterView(
    snapshot="s1",
    taken_at=NOW,
    sentence="1 of 2 nodes ready (1 down); 62 % of the CPUs and 12 % of the memory reserved",
    cpu=HALF,
    memory=MEMORY,
    nodes=(
        NodeView(
            id="1",
            hostname="n1",
            role="manager",
            state="ready",
            cpu=HALF,
            memory=MEMORY,
            generic={"gpu": Share(capacity=2, reserved=1, foreign=0)},
            blocks=(
                Block(namespace="aml", name="book", component="nb", core=1, elastic=2,
                      cpu_millis=2000, memory_bytes=GIB),
            ),
        ),
        NodeView(id="2", hostname="n2", role="worker", state="down", cpu=HALF, memory=MEMORY),
    ),
)  # fmt: skip
FRESH = Glance(sentence="", freshness=Freshness(read_at=NOW), states={}, more={})
VIEWS: dict[str, object] = {
    "executions": Listing(
        total=4, states={"Failed": 1, "Pending": 1, "Queued": 1, "Running": 1}, lines=LINES
    ),
    "executions/aml/wide": WAITS,
    "executions/aml/book": RUNS,
    "queue": queue_page.of(QUEUE),
    "cluster": CLUSTER,
    "glance": FRESH,
}
VERBS = {
    "status": ["status"],
    "status-one": ["status", "aml/book"],
    "queue": ["queue", "--all"],
    "queue-empty": ["queue", "-n", "nobody"],
    "explain": ["explain", "aml/wide"],
    "explain-running": ["explain", "aml/book"],
    "cluster": ["cluster", "--all"],
}


@pytest.fixture
def site(api_server: ApiServer) -> ApiServer:
    def answer(path: str, query: dict[str, str]) -> Reply:
        if path not in VIEWS:
            return problem(404, f"there is no {path}")
        if path == "queue":
            asked = {key: query[key] for key in ("namespace", "labels") if key in query}
            asked_of = replace(QUEUE, rule=getattr(VIEWS["queue"], "rule", ""))
            return Reply(encoding.to_json(queue_page.of(asked_of, queue_page.Query(**asked))))
        return Reply(encoding.to_json(VIEWS[path]))

    api_server.answer = answer
    return api_server


@pytest.mark.parametrize("case", VERBS)
def test_into_a_pipe_texts_are_plain_and_stable(
    site: ApiServer,
    case: str,
    capsys: pytest.CaptureFixture[str],
    assert_golden: Callable[[Path, str], None],
) -> None:
    assert main(VERBS[case]) == 0
    out, err = capsys.readouterr()
    assert_golden(GOLDEN / f"{case}.txt", out)
    assert err == ""


@pytest.mark.parametrize("path", ["executions/aml/wide", "queue", "cluster"])
def test_for_machines_it_is_what_the_api_has(
    site: ApiServer, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    verb, *name = path.removeprefix("executions/").split("/", 1)
    arguments = ["status", f"{verb}/{name[0]}"] if name else [verb]
    if verb == "queue":
        arguments.append("--all")
    assert main([*arguments, "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == encoding.to_json(VIEWS[path])


def test_labels_narrow_the_queue(site: ApiServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["queue", "-l", "course=aml"]) == 0
    assert "nobody waits" in capsys.readouterr().out
    assert main(["queue", "-l", "a=b=c"]) == 2


def test_what_is_too_old_is_said_beside_the_answer(
    site: ApiServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stale = replace(FRESH, freshness=Freshness(read_at=NOW, told="nobody has looked"))
    monkeypatch.setitem(VIEWS, "glance", stale)
    assert main(["status"]) == 0
    out, err = capsys.readouterr()
    assert (len(out.splitlines()), err) == (4, "zoe: nobody has looked\n")


def test_nothing_that_was_written_by_others_acts_on_the_terminal(
    site: ApiServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = replace(RUNNING, urls=(), message="\x1b[2J\u202ex\ny\tz")
    monkeypatch.setitem(VIEWS, "executions", Listing(total=1, states={}, lines=(bad,)))
    assert main(["status"]) == 0
    assert capsys.readouterr().out == "aml/book\tRunning\tRunning\t\\x1b[2J\\u202ex y z\n"


def on_a_terminal(site: ApiServer, *arguments: str, **environment: str) -> str:
    """Run a verb as somebody who looks at it would: with a terminal of 120 columns."""
    leader, follower = pty.openpty()
    try:
        process = subprocess.Popen(
            [sys.executable, "-m", "reconciler", *arguments],
            stdout=follower,
            stderr=follower,
            stdin=follower,
            env={
                "PYTHONPATH": str(CHECKOUT),
                "ZOE_SERVER": site.url,
                "TERM": "xterm-256color",
                "COLUMNS": "120",
                "TZ": "Europe/Paris",
                **environment,
            },
        )
        os.close(follower)
        said = b""
        while chunk := _read(leader):
            said += chunk
        assert process.wait(timeout=30) == 0
    finally:
        os.close(leader)
    return said.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other end is closed
        return b""


def test_on_a_terminal_there_are_titles_colours_and_local_times(site: ApiServer) -> None:
    said = on_a_terminal(site, "status")
    assert "execution" in said.splitlines()[0]
    assert "\x1b[32mRunning\x1b[0m" in said
    assert "\x1b[31mFailed" in said
    said = on_a_terminal(site, "explain", "aml/wide")
    assert "Starts about " in said
    assert "15:20" in said  # in Paris
    assert "2026-11-22T" not in said


def in_80_columns(site: ApiServer, *arguments: str) -> str:
    """Return what stands there, without what makes it bold or moves the cursor."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", on_a_terminal(site, *arguments, COLUMNS="80"))


def test_in_a_narrow_terminal_nothing_is_left_out_and_no_name_is_broken(
    site: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = replace(
        LINES[2], name="a-name-of-forty-characters-as-most-could", message=f"waits {'x' * 90} end"
    )
    monkeypatch.setitem(VIEWS, "executions", Listing(total=2, states={}, lines=(RUNNING, long)))
    said = in_80_columns(site, "status")
    assert max(map(len, said.splitlines())) <= 80
    assert long.full_name in said
    assert "…" not in said
    assert "".join(said.split()).count("x" * 90) == 1
    assert "end" in said


def test_in_a_very_narrow_terminal_lines_are_longer_but_nothing_is_left_out(
    site: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = replace(LINES[2], name="a-name-of-forty-characters-as-most-could", message="waits here")
    monkeypatch.setitem(VIEWS, "executions", Listing(total=1, states={}, lines=(long,)))
    said = on_a_terminal(site, "status", COLUMNS="50")
    assert long.full_name in said
    assert "".join(said.split()).count("waitshere") == 1


def test_on_a_terminal_a_sentence_goes_on_between_words_below_where_it_began(
    site: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = "word " * 40
    monkeypatch.setitem(VIEWS, "queue", replace(queue_page.of(QUEUE), rule=rule))
    told = [line for line in in_80_columns(site, "queue").splitlines() if "word" in line]
    assert len(told) == 3
    assert set(" ".join(told).partition("fair:")[2].split()) == {"word"}
    remedy = replace(EXPLAINED, remedies=(Remedy(told=rule),))
    monkeypatch.setitem(VIEWS, "executions/aml/wide", replace(WAITS, waiting=remedy))
    lines = in_80_columns(site, "explain", "aml/wide").splitlines()
    starts = [line[: line.index("word")] for line in lines if "word" in line]
    assert starts == ["  - ", "    ", "    "]


def test_on_a_terminal_conditions_dont_repeat_what_was_said(
    site: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = "lacks 2 CPUs"
    told = tuple(
        ConditionLine(type=type_, status="False", reason="NoCapacity", message=said)
        for type_, said in (("Ready", message), ("Healthy", "one is down"), ("X", "one is down"))
    )
    monkeypatch.setitem(VIEWS, "executions/aml/wide", replace(WAITS, conditions=told))
    said = in_80_columns(site, "status", "aml/wide")
    assert (said.count(message), said.count("one is down")) == (1, 1)
    assert main(["status", "aml/wide"]) == 0


def test_on_a_terminal_the_nodes_tell_parts_of_what_they_have(
    site: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = in_80_columns(site, "cluster").splitlines()
    head, first = (line.split() for line in lines[-3:-1])
    assert head == ["node", "role", "state", "CPUs", "free", "memory", "free", "gpu", "others"]
    assert " ".join(first) == "n1 manager ready 2 of 4 1 1 GiB of 8 GiB 7 GiB 1 of 2 0.5 CPUs"
    limited = replace(CLUSTER.nodes[1], memory=replace(MEMORY, limit=3 * GIB))
    monkeypatch.setitem(VIEWS, "cluster", replace(CLUSTER, nodes=(limited,)))
    lines = in_80_columns(site, "cluster").splitlines()
    assert lines[-2].split()[-2:] == ["others", "limits"]
    assert lines[-1].split("  ")[-1].strip() == "3 GiB memory"
    assert "role" not in lines[-2]


def test_no_color_is_heeded(site: ApiServer) -> None:
    said = on_a_terminal(site, "status", NO_COLOR="1")
    assert "Running" in said
    assert "\x1b[3" not in said
