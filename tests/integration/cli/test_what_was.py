"""usage, events, logs, history, open: of a server that people's verbs ask, of a database."""

from __future__ import annotations

import _thread
import csv
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.cli import events, logs
from reconciler.converge.status import GATEWAY, SOCKS, Endpoint
from reconciler.view import encoding
from reconciler.view.event import EventLine, Events
from reconciler.view.execution import Answer, Detail, Log, Step, Timeline
from reconciler.view.history import History, Point
from reconciler.view.line import Line
from reconciler.view.usage import Usage, Used
from tests.fixtures.api_server import PROBLEM, ApiServer, Reply, problem
from tests.fixtures.site import execution_file
from tests.fixtures.verbs import CHECKOUT, Installation, Zoe

T0 = datetime(2026, 11, 22, 14, 20, tzinfo=UTC)


def sent(view: object) -> Reply:
    return Reply(encoding.to_json(view))


# -- by a server ----------------------------------------------------------------------------------

ROW = Used(
    key="=aml",
    executions=3,
    cpu_milli_ms=3_600_000_000,
    memory_byte_ms=1,
    core_hours="1.0",
    gib_hours="0.0",
    generic_ms={"gpu": 3_600_000},
    generic_hours={"gpu": "1.0"},
    wait_median_ms=90_000,
    started=3,
    ended=4,
    failed=1,
    failed_share="25 %",
)
USAGE = Usage(by="namespace", since=T0, until=T0 + timedelta(days=1), rows=(ROW,), total=ROW)


def test_usage_is_asked_for_and_printed_as_table_or_csv(
    zoe: Zoe, api_server: ApiServer, tmp_path: Path
) -> None:
    api_server.always(sent(USAGE))
    asked = ("usage", "--by", "label:course", "--since", "2026-11-22T14:20Z", "--until",
             "2026-11-23T14:20Z")  # fmt: skip
    result = zoe(*asked, cwd=tmp_path)
    assert (result.code, result.out) == (0, "=aml\t1.0\t0.0\t3\t1 min 30 s\t1 of 4\t1.0\n")
    query = {"by": "label:course", "since": "2026-11-22T14:20:00Z",
             "until": "2026-11-23T14:20:00Z"}  # fmt: skip
    assert api_server.requests == [("usage", query)]
    (row,) = csv.DictReader(StringIO(zoe(*asked, "-o", "csv", cwd=tmp_path).out))
    assert (row["namespace"], row["core hours"], row["gpu hours"]) == ("'=aml", "1.0", "1.0")
    assert zoe(*asked, "-o", "json", cwd=tmp_path).data == encoding.to_json(USAGE)
    assert yaml.safe_load(zoe(*asked, "-o", "yaml", cwd=tmp_path).out)["by"] == "namespace"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--by", "color"], "write namespace, zapp or label:KEY"),
        (["--since", "soon"], "write 30d, 2026-11-22"),
        (["--since", "0001-01-01"], "write 30d, 2026-11-22"),
        (["--since", "2026-01-02", "--until", "2026-01-01"], "--since must be before --until"),
    ],
)
def test_what_usage_cant_answer_is_refused_before_anybody_is_asked(
    zoe: Zoe, api_server: ApiServer, tmp_path: Path, arguments: list[str], words: str
) -> None:
    result = zoe("usage", *arguments, cwd=tmp_path)
    assert (result.code, words in result.err, api_server.requests) == (2, True, [])


@pytest.mark.parametrize("verb", [["usage"], ["history"], ["events"], ["logs", "aml/book"]])
def test_without_server_or_database_it_says_what_to_set(
    zoe: Zoe, tmp_path: Path, verb: list[str]
) -> None:
    result = zoe(*verb, cwd=tmp_path)
    assert (result.code, "set ZOE_SERVER" in result.err) == (2, True)


def test_the_plots_are_a_table_of_the_buckets_in_which_something_was(
    zoe: Zoe, api_server: ApiServer, tmp_path: Path
) -> None:
    busy = Point(
        at=T0, running=2, waiting=1, cpu_millis=8000, cpu_reserved_millis=1500,
        memory_bytes=2 * 1024**3, memory_reserved_bytes=1024**3, pass_ms=40, longest_pass_ms=61,
        wait_p50_ms=30_000, wait_p95_ms=90_000, started=2,
    )  # fmt: skip
    still = Point(at=T0 + timedelta(minutes=1))
    history = History(
        since=T0,
        until=T0 + timedelta(hours=1),
        bucket_ms=60_000,
        points=(busy, still),
        sentence="s",
    )
    api_server.always(sent(history))
    result = zoe("history", cwd=tmp_path)
    assert result.out.split("\t") == [
        "2026-11-22T14:20:00Z", "2", "1", "1.5 of 8", "1.0 of 2.0", "2", "30 s", "1 min 30 s",
        "40 ms", "61 ms\n",
    ]  # fmt: skip
    assert zoe("history", "-o", "json", cwd=tmp_path).data == encoding.to_json(history)


def test_the_life_of_one_is_asked_for_by_name(
    zoe: Zoe, api_server: ApiServer, tmp_path: Path
) -> None:
    step = Step(
        at=T0, told="first seen", fact="first_seen", run="run 1", commit="c" * 40, by="Ann: A"
    )
    api_server.always(sent(Timeline(steps=(step,))))
    result = zoe("history", "aml/book", cwd=tmp_path)
    assert result.out == "2026-11-22T14:20:00Z  run 1  first seen with cccccccccccc by Ann: A\n"
    assert api_server.requests == [("executions/aml/book/history", {})]
    assert zoe("history", "aml/book", "--since", "1d", cwd=tmp_path).code == 2


def happened(id_: int, message: str = "m") -> EventLine:
    return EventLine(
        id=id_, at=T0, reason="Admitted", message=message, namespace="aml", name="book",
        is_warning=id_ == 2,
    )  # fmt: skip


def test_events_are_told_oldest_first_over_several_pages(
    zoe: Zoe, api_server: ApiServer, tmp_path: Path
) -> None:
    def answer(_: str, query: dict[str, str]) -> Reply:
        if query.get("cursor") == "older":
            return sent(Events(lines=(happened(1),)))
        return sent(Events(lines=(happened(3), happened(2)), next="older"))

    api_server.answer = answer
    result = zoe("events", cwd=tmp_path)
    at = "2026-11-22T14:20:00Z"
    assert result.out == "".join(f"{at} {mark} aml/book\tAdmitted\tm\n" for mark in (" ", "!", " "))
    whole = zoe("events", "-o", "json", cwd=tmp_path).data
    assert [line["id"] for line in whole["lines"]] == [3, 2, 1]


def test_events_of_an_unknown_name_are_refused_in_the_servers_words(
    zoe: Zoe, api_server: ApiServer, tmp_path: Path
) -> None:
    told = {"detail": "there is no aml/bok", "suggestion": "did you mean aml/book?"}
    api_server.always(Reply(told, 404, PROBLEM))
    result = zoe("events", "aml/bok", cwd=tmp_path)
    assert result.err == "zoe: there is no aml/bok: did you mean aml/book?\n"
    assert result.code == 1


@pytest.fixture
def interruptible() -> Iterator[None]:
    """What was started in the background may have been told to ignore Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_followed_events_come_once_each_whatever_becomes_of_the_server(
    zoe: Zoe, api_server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "POLL_S", 0.01)
    answers = [
        sent(Events(lines=(happened(2), happened(1)))),
        sent(Events(lines=(happened(3), happened(4)))),
        problem(503, "away"),
        problem(503, "away"),
        sent(Events(lines=())),
        sent(Events(lines=(happened(5),))),
    ]

    def answer(_: str, query: dict[str, str]) -> Reply:
        if answers:
            return answers.pop(0)
        _thread.interrupt_main()  # somebody presses Ctrl-C
        return sent(Events(lines=()))

    api_server.answer = answer
    result = zoe("events", "--follow", "-o", "json", cwd=tmp_path)
    told = [yaml.safe_load(line)["id"] for line in result.out.splitlines()]
    assert (result.code, told) == (130, [1, 2, 3, 4, 5])
    assert result.err.count("still trying") == result.err.count("it answers again") == 1
    after = [query["after"] for _, query in api_server.requests if "after" in query]
    assert after[:6] == ["2", "4", "4", "4", "4", "5"]


def detail(**fields: Any) -> Detail:
    line = Line(
        namespace="aml", name="book", uid="u", run=1, state="Running",
        ended_at=fields.pop("ended_at", None),
    )  # fmt: skip
    return Detail(line=line, answer=Answer(running="Yes, it runs."), **fields)


def log(component: str, text: str, node: str = "n1", **fields: Any) -> Log:
    return Log(component=component, node=node, text=text, at=T0, **fields)


def test_logs_of_several_components_say_whose_each_line_is(
    zoe: Zoe, api_server: ApiServer, tmp_path: Path
) -> None:
    found = (log("a", "1\n2"), log("b", "3"), log("b", "4", "n2"))
    api_server.always(sent(detail(logs=found)))
    result = zoe("logs", "aml/book", "--tail", "1", cwd=tmp_path)
    assert result.out == "a | 2\nb on n1 | 3\nb on n2 | 4\n"
    assert zoe("logs", "aml/book", "--component", "a", cwd=tmp_path).out == "1\n2\n"
    slip = zoe("logs", "aml/book", "--component", "nosuch", cwd=tmp_path)
    assert (slip.code, slip.out, "no log of a component nosuch: known: a" in slip.err) == (
        1,
        "",
        True,
    )


def test_a_server_that_shows_no_logs_says_why(
    zoe: Zoe, api_server: ApiServer, tmp_path: Path
) -> None:
    api_server.always(sent(detail(logs_told="the namespace aml doesn't let them be shown")))
    result = zoe("logs", "aml/book", cwd=tmp_path)
    assert (result.code, result.out) == (0, "")
    assert "zoe: the namespace aml doesn't let them be shown" in result.err


def test_followed_logs_print_each_line_once_and_end_with_the_execution(
    zoe: Zoe, api_server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "POLL_S", 0.01)
    harvest = log("a", "2\n3\n4", attempt=1, exit_code=0)
    answers = [
        sent(detail(logs=(log("a", "1\n2"),))),
        sent(detail(logs=(log("a", "1\n2\n3"),))),
        problem(503, "away"),
        sent(detail(logs=(harvest,))),
        sent(detail(logs=(harvest, log("a", "1\n5")))),
        sent(detail(logs=(harvest, log("a", "5\n6", attempt=2)), ended_at=T0)),
    ]
    api_server.answer = lambda _path, _query: answers.pop(0)
    result = zoe("logs", "aml/book", "--follow", cwd=tmp_path)
    assert (result.code, result.out.split()) == (0, ["1", "2", "3", "4", "1", "5", "6"])
    assert result.err.count("still trying") == 1


def test_nothing_that_a_server_says_acts_on_the_terminal(
    zoe: Zoe, api_server: ApiServer, tmp_path: Path
) -> None:
    nasty = "\x1b]0;x\x07\u202e"
    shown = r"\x1b]0;x\x07\u202e"
    for verb, view in (
        (("usage",), replace(USAGE, rows=(replace(ROW, key=nasty),))),
        (("events",), Events(lines=(happened(1, nasty),))),
        (("logs", "aml/book"), detail(logs=(log("a", nasty),))),
        (("history", "aml/book"), Timeline(steps=(Step(at=T0, told=nasty, fact="held"),))),
    ):
        api_server.always(sent(view))
        told = zoe(*verb, cwd=tmp_path).out
        assert (nasty in told, shown in told) == (False, True)


def reach(name: str, url: str) -> Endpoint:
    return Endpoint(component="main", name=name, url=url)


LAB = reach("lab", "http://10.0.0.1:8888/lab")
UI = reach("ui", "https://10.0.0.1:4040")
SSH = reach("ssh", "tcp://10.0.0.1:22")
STAYING = replace(reach("lab", "http://10.0.0.1:31000/~/book/main/8888/lab"), via=GATEWAY)
LINKED = replace(reach("web", "http://main.book:80/"), via=SOCKS, proxy="10.0.0.1:31001")


@pytest.mark.parametrize(
    ("there", "arguments", "code", "words"),
    [
        ((LAB, SSH), [], 0, "http://10.0.0.1:8888/lab\n"),
        ((LAB, UI), ["--port", "ui"], 0, "https://10.0.0.1:4040\n"),
        ((LAB, UI), [], 1, "choose with --port: lab of main at http"),
        ((LAB,), ["--port", "x"], 1, "has no page x: there is lab of main"),
        ((SSH,), [], 1, "has no page, only tcp://10.0.0.1:22"),
        ((reach("x", "javascript:alert(1)"),), [], 1, "has no page"),
        ((), [], 1, "it runs, but publishes no port"),
        ((LAB, STAYING), [], 0, "http://10.0.0.1:31000/~/book/main/8888/lab\n"),
        ((LAB, LINKED), [], 0, "http://10.0.0.1:8888/lab\n"),
        ((LAB,), ["--socks"], 1, "nothing of aml/book needs SOCKS: zoe open aml/book"),
        ((LINKED,), ["--socks"], 0, "http://main.book:80/\n"),
    ],
)
def test_open_chooses_a_page_or_says_why_there_is_none(
    zoe: Zoe, api_server: ApiServer, tmp_path: Path,
    there: tuple[Endpoint, ...], arguments: list[str], code: int, words: str,
) -> None:  # fmt: skip
    api_server.always(sent(detail(reach=there)))
    result = zoe("open", "aml/book", "--print", *arguments, cwd=tmp_path)
    assert (result.code, words in result.out + result.err) == (code, True)


def test_open_hands_the_address_to_the_browser(api_server: ApiServer, tmp_path: Path) -> None:
    api_server.always(sent(detail(reach=(LAB,))))
    browser, seen = tmp_path / "browser", tmp_path / "seen"
    browser.write_text(f'#!/bin/sh\nprintf %s "$1" > {seen}\n')
    browser.chmod(0o755)
    done = subprocess.run(
        [sys.executable, "-m", "reconciler", "open", "aml/book"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT), "BROWSER": f"{browser} %s"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (seen.read_text(), done.stdout) == (LAB.url, f"opening {LAB.url}\n")


# -- by a database --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ran")
    made = Installation.make(folder)
    made.push({"executions/aml/book.yaml": execution_file("book")})
    assert made.process("once").code == 0
    return folder


@pytest.fixture
def ran(template: Path, tmp_path: Path, zoe: Zoe) -> Installation:
    return Installation.copied(template, tmp_path / "copy", zoe)


def test_the_database_answers_what_a_server_would(ran: Installation) -> None:
    usage = ran("usage", "-o", "json").data
    assert (usage["total"]["started"], [row["key"] for row in usage["rows"]]) == (1, ["aml"])
    plots = ran("history", "-o", "json").data
    assert sum(point["started"] for point in plots["points"]) == 1
    told = ran("events", "aml/book", "-o", "json").data["lines"]
    assert [line["reason"] for line in reversed(told)][:2] == ["FirstSeen", "Generation"]
    assert ran("events", "aml/bok").code == 1
    assert "first seen" in ran("history", "aml/book").out
    opened = ran("open", "aml/book")
    assert (opened.code, "it runs, but publishes no port" in opened.err) == (1, True)
    assert ran("logs", "aml/book").code == 0
