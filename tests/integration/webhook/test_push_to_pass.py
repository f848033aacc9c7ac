"""The whole way: a push, the forge's delivery over a socket, the database, the loop's fetch."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler import config, lead
from tests.fixtures.git_servers import BareRepository, HttpServer
from tests.fixtures.postgres import OpenStore, wait_until
from tests.fixtures.receiver import WebProcess, github, hook_path, push, settings_text
from tests.fixtures.site import PLATFORM, execution_file, namespace_file

StartWeb = Callable[..., WebProcess]

FETCH = "service=git-upload-pack"


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
    tmp_path: Path,
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
