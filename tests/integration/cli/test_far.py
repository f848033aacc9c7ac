"""People's verbs where nothing is but the address of a server: no clone, Docker or database."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler import config, wire
from reconciler.cli import every, place, wait
from reconciler.cli.place import Place
from reconciler.clock import SystemClock
from reconciler.errors import Missing
from reconciler.view import cluster, cluster_page, encoding, glance, queue_page
from reconciler.view.listing import Query
from tests.fixtures.api_server import Answerer, ApiServer, Reply, problem
from tests.fixtures.pages import blocks
from tests.fixtures.site import execution_file, namespace_file
from tests.fixtures.verbs import CHECKOUT, Installation, Zoe

# None of these may be needed: a laptop may have none of what they talk to.
PARTS = ("docker", "psycopg", "sqlalchemy", "pygit2")
LEAST = f"""
import sys
sys.modules.update(dict.fromkeys({PARTS!r}))
from reconciler.cli import main
sys.exit(main(sys.argv[1:]))
"""


def answerer(there: Place) -> Answerer:
    """Answer as the API does: the views of a place as JSON."""

    def answer(path: str, query: dict[str, str]) -> Reply:
        parts = path.split("/")
        try:
            return Reply(encoding.to_json(_view(there, parts, query)))
        except Missing as error:
            return problem(404, str(error))
        except ValueError as error:
            return problem(400, str(error))

    return answer


def _view(there: Place, parts: list[str], query: dict[str, str]) -> object:
    match parts:
        case ["executions"]:
            numbers: dict[str, Any] = {"limit": int(query.pop("limit", 50))}
            numbers["all_runs"] = query.pop("all_runs", "") == "true"
            return there.page(Query(**query, **numbers))
        case ["executions", namespace, name]:
            return there.detail(namespace, name)
        case ["queue"]:
            return there.queue(queue_page.Query(**query | _limit(query)))
        case ["cluster"]:
            return there.cluster(cluster_page.Query(**query | _limit(query)))
        case _:
            taken = there.taken  # type: ignore[attr-defined]
            picture = there.picture  # type: ignore[attr-defined]
            return glance.of(picture, now=SystemClock().now(), cluster=cluster.of(taken))


def _limit(query: dict[str, str]) -> dict[str, Any]:
    return {"limit": int(query["limit"])}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One that runs, one that waits, one that can't start, one that is broken."""
    folder = tmp_path_factory.mktemp("far")
    made = Installation.make(folder)
    gpu = "apiVersion: zoe/v1\nkind: Execution\nmetadata: {name: giant}\nspec:\n  type: batch\n"
    gpu += "  services: {a: {image: busybox, resources: {reservations: {cpus: 64}}}}\n"
    files = {
        "namespaces/aml.yaml": namespace_file("aml"),
        "executions/aml/book.yaml": execution_file("book"),
        "executions/aml/giant.yaml": gpu.replace("busybox,", "busybox, completes: true,"),
        "executions/aml/bad.yaml": "kind: Execution\n",
    }
    made.push(files)
    assert made.process("once").code == 0
    return folder


@pytest.fixture
def near(template: Path, tmp_path: Path, zoe: Zoe) -> Installation:
    return Installation.copied(template, tmp_path / "copy", zoe)


@pytest.fixture
def far(near: Installation, api_server: ApiServer) -> Iterator[ApiServer]:
    with wire.archive(config.load({}, directory=near.path)) as archive:
        api_server.answer = answerer(place.by_database(archive))
        yield api_server


VERBS = [
    ["status"],
    ["status", "aml"],
    ["status", "-o", "json"],
    ["status", "aml/book"],
    ["status", "aml/giant", "-o", "yaml"],
    ["queue", "--all"],
    ["queue", "-o", "json"],
    ["explain", "aml/giant"],
    ["explain", "aml/bad"],
    ["cluster"],
    ["wait", "aml/book", "--for", "Running"],
    ["wait", "aml/none", "--timeout", "0s"],
    ["status", "aml/bok"],
    ["status", "-l", "a=b=c"],
]


def test_a_server_alone_tells_what_its_database_tells(
    near: Installation, far: ApiServer, zoe: Zoe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    told = [zoe(*verb, cwd=empty) for verb in VERBS]
    assert far.requests
    asked = len(far.requests)
    monkeypatch.delenv("ZOE_SERVER")
    own = [near(*verb) for verb in VERBS]
    assert len(far.requests) == asked
    for verb, there, here in zip(VERBS, told, own, strict=True):
        assert (verb, there.code, there.out) == (verb, here.code, here.out)
    assert "did you mean aml/book?" in told[-2].err


def test_the_page_on_the_terminal_shows_what_is_told(far: ApiServer, tmp_path: Path) -> None:
    """docs/terminal.md, in the names of this place."""
    (shown,) = blocks("docs/terminal.md", "console")
    typed = shown.typed.replace("https://zoe.example.org", far.url).replace("lab-3", "giant")
    done = subprocess.run(
        ["/bin/bash", "-euc", f'zoe() {{ "{sys.executable}" -m reconciler "$@"; }}\n{typed}'],
        cwd=tmp_path,
        env={"PYTHONPATH": str(CHECKOUT), "PATH": "/nonexistent"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout.splitlines()[0]) == (0, "aml/giant\tQueued"), done.stderr


def test_no_part_of_the_installation_is_needed(far: ApiServer, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LEAST, "status", "aml/giant"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(CHECKOUT), "ZOE_SERVER": far.url, "PATH": "/nonexistent"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    lines = done.stdout.splitlines()
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)
    assert lines[:2] == ["aml/giant\tQueued", "No, and as things are it can't start."]


def test_pages_are_fetched_until_all_are_there(
    far: ApiServer, zoe: Zoe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(every, "MOST", 1)
    lines = zoe("status", cwd=tmp_path).out.splitlines()
    assert [line.split("\t")[0] for line in lines] == ["aml/bad", "aml/book", "aml/giant"]
    pages = [query for path, query in far.requests if path == "executions"]
    assert [bool(query.get("cursor")) for query in pages] == [False, True, True]


def test_pages_of_the_queue_are_put_together_of_one_snapshot(
    far: ApiServer, zoe: Zoe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(every, "MOST", 1)
    whole, moved = far.answer, iter("12233333")

    def moving(path: str, query: dict[str, str]) -> Reply:
        reply = whole(path, query)
        reply.data["snapshot"] = next(moved)
        return reply

    far.answer = moving
    out = zoe("queue", "--all", cwd=tmp_path).out
    assert [line for line in out.splitlines() if line.startswith(("aml/giant", "aml/book"))] == [
        "aml/giant\tno node is large enough for a",
        "aml/book\tcore 1\ton sim1\t",
    ]
    asked = [bool(query.get("cursor")) for _, query in far.requests]
    assert asked == [False, True, False, True, False, True]
    far.requests.clear()
    far.answer = whole
    assert "aml/giant" in zoe("queue", cwd=tmp_path).out
    assert len(far.requests) == 1  # what runs isn't fetched where it isn't shown
    numbers = iter(range(99))

    def restless(path: str, query: dict[str, str]) -> Reply:
        reply = whole(path, query)
        reply.data["snapshot"] = str(next(numbers))
        return reply

    far.answer = restless
    result = zoe("queue", "--all", cwd=tmp_path)
    assert (result.code, "changes faster than it can be read" in result.err) == (3, True)


def test_a_server_that_is_away_is_three_and_says_what_to_check(
    zoe: Zoe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZOE_SERVER", "http://127.0.0.1:1")
    for verb in (["status"], ["queue"], ["explain", "a/b"], ["cluster"], ["wait", "a/b"]):
        result = zoe(*verb, cwd=tmp_path)
        assert (result.code, "is ZOE_SERVER right?" in result.err) == (3, True)


def test_wait_outlasts_a_server_that_is_away_for_a_moment(
    far: ApiServer, zoe: Zoe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wait, "FAR_POLL_S", 0.01)
    whole = far.answer
    first = whole("executions/aml/book", {})
    first.data["line"]["state"] = "Starting"
    replies = iter([first, problem(503, "in a moment"), Reply(b"<html>", 502, "text/html")])
    far.answer = lambda path, query: next(replies, None) or whole(path, query)
    result = zoe("wait", "aml/book", "--for", "Running", cwd=tmp_path)
    assert (result.code, result.out) == (0, "aml/book is Running\n")
    assert len(far.requests) == 4
