"""The whole way: a push, the forge's delivery over a socket, the database, the loop's fetch."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import pytest

from reconciler import config, lead
from reconciler.git.source import GitSource
from reconciler.pacing import SPACING_S
from tests.fixtures.git_servers import BareRepository, HttpServer
from tests.fixtures.postgres import OpenStore, wait_until
from tests.fixtures.receiver import SECRET, WebProcess, github, hook_path, push, settings_text
from tests.fixtures.site import PLATFORM, execution_file, namespace_file
from tests.fixtures.verbs import Installation

StartWeb = Callable[..., WebProcess]


@pytest.fixture
def repository(bare_repo: Callable[..., BareRepository]) -> BareRepository:
    made = bare_repo()
    made.commit({"platform.yaml": PLATFORM, "namespaces/aml.yaml": namespace_file("aml")})
    return made


class Running:
    """``zoe run`` in a thread, with a timer that is too slow to matter."""

    def __init__(self, folder: Path, store: object) -> None:
        self._stop = threading.Event()
        self._settings = config.load({}, directory=folder)
        self._thread = threading.Thread(
            target=lead._lead_until,
            args=(self._stop, self._settings, store, random.Random(1)),
        )
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(60)


def test_a_push_runs_without_waiting_for_the_interval(
    repository: BareRepository,
    git_http: HttpServer,
    database_url: str,
    open_store: OpenStore,
    start_web: StartWeb,
) -> None:
    text = "interval_s = 3600\n" + settings_text(database_url, git_http.url(repository))
    web = start_web(text)
    store = open_store(database_url)
    running = Running(web.folder, store)
    try:
        wait_until(lambda: store.load().accepted, within_s=30)
        tip = repository.commit({"executions/aml/book.yaml": execution_file("book")})
        body = push(after=tip)
        assert web.post(hook_path(), body, github(body)).status == 202
        wait_until(lambda: store.load().accepted == {"platform": tip}, within_s=30)
        wait_until(lambda: [row.name for row in store.load().executions] == ["book"])
    finally:
        running.stop()


@pytest.mark.slow
def test_a_burst_while_the_source_is_fetched_is_one_more_fetch(
    repository: BareRepository,
    git_http: HttpServer,
    sqlite_url: str,
    open_store: OpenStore,
    start_web: StartWeb,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    text = "interval_s = 3600\n" + settings_text(sqlite_url, git_http.url(repository))
    web = start_web(text)
    store = open_store(sqlite_url)
    running = Running(web.folder, store)

    def deliver(number: int) -> int:
        body = push(after=f"{number:040x}")
        return web.post(hook_path(), body, github(body, identity=str(number))).status

    fetched_at, fetch = list[float](), GitSource.fetch

    def noted(source: GitSource) -> str:
        fetched_at.append(monotonic())
        return fetch(source)

    monkeypatch.setattr(GitSource, "fetch", noted)
    try:
        wait_until(lambda: store.load().accepted, within_s=30)
        git_http.gate.clear()
        fetched_at.clear()
        assert deliver(1) == 202
        wait_until(lambda: len(fetched_at) == 1)
        tip = repository.commit({"executions/aml/book.yaml": execution_file("book")})
        assert [deliver(number) for number in range(2, 40)] == [202] * 38
        wait_until(lambda: not store.wait_for_wanted(0))
        git_http.gate.set()
        wait_until(lambda: store.load().accepted == {"platform": tip}, within_s=30)
        wait_until(lambda: len(fetched_at) == 2, within_s=30)
    finally:
        git_http.gate.set()
        running.stop()
    first, second = fetched_at
    assert second - first >= SPACING_S - 0.1


def test_what_is_not_signed_reaches_neither_the_database_nor_git(
    repository: BareRepository,
    git_http: HttpServer,
    sqlite_url: str,
    open_store: OpenStore,
    start_web: StartWeb,
) -> None:
    web = start_web(settings_text(sqlite_url, git_http.url(repository)))
    store = open_store(sqlite_url)
    body = push()
    for number in range(50):
        forged = github(body, identity=str(number), secret="not-the-secret")
        assert web.post(hook_path(), body, forged).status == 401
    assert store.take_wanted() == ()
    assert git_http.requests == []
    # A flood of refusals is a line a minute, not a line each.
    assert [line["count"] for line in web.events("refused")] == [1]


def test_the_address_and_the_secret_are_in_no_log(sqlite_url: str, start_web: StartWeb) -> None:
    web = start_web(settings_text(sqlite_url, "/nowhere"))
    body = push()
    assert web.post(hook_path(), body, github(body)).status == 202
    assert web.post(hook_path(), body, {}).status == 401
    assert web.get("/readyz").message == "ready"
    log = web.log.read_text()
    assert SECRET not in log
    assert hook_path() not in log


def test_zoe_web_refuses_to_start_without_a_secret_and_says_what_to_do(
    installation: Installation,
) -> None:
    text = (installation.path / "zoe.toml").read_text()
    (installation.path / "zoe.toml").write_text(text + '[source.webhook]\nprovider = "github"\n')
    result = installation("web")
    assert result.code == 2
    assert "no secret" in result.err
    assert "openssl rand -hex 32" in result.err


def test_the_paths_are_printed_for_whoever_sets_the_forge_up(installation: Installation) -> None:
    text = (installation.path / "zoe.toml").read_text()
    webhook = '[source.webhook]\nprovider = "gitlab"\nsecret_file = "secret"\n'
    (installation.path / "zoe.toml").write_text(text + webhook)
    (installation.path / "secret").write_text(SECRET)
    result = installation("web", "--paths")
    assert (result.code, result.out) == (0, f"platform  gitlab  {hook_path()}\n")
