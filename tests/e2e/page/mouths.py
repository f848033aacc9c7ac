"""The page, the API and the terminal: each asked alone, as people ask it."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser

from reconciler.view import encoding
from reconciler.view.execution import Answer
from tests.e2e.page.reading import Document
from tests.fixtures.zoe_process import ZoeProcess

TIMEOUT_S = 20
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def fetch(url: str, **headers: str) -> tuple[int, Mapping[str, str], bytes]:
    """Return status, fields and body, whatever the status."""
    try:
        with _DIRECT.open(urllib.request.Request(url, headers=headers), timeout=TIMEOUT_S) as got:
            return got.status, got.headers, got.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


@contextmanager
def streaming(address: str) -> Iterator[Iterator[str]]:
    """Open the event stream and lend its lines that aren't empty."""
    with _DIRECT.open(f"{address}/events", timeout=TIMEOUT_S) as stream:
        yield (line for raw in stream if (line := raw.decode().strip()))


def asked_api(address: str, path: str) -> Any:
    """Return what the API says at a path."""
    status, _, body = fetch(f"{address}/api/v1/{path}")
    assert status == 200, f"{path}: {status} {body.decode()}"
    return json.loads(body)


def answer_of_api(address: str, name: str) -> Answer:
    """Return the three sentences of an execution's answer."""
    return encoding.from_json(Answer, asked_api(address, f"executions/{name}")["answer"])


def answer_of_page(browser: Browser, address: str, name: str) -> Answer:
    """Return what the page says in its answer, with JavaScript off."""
    context = browser.new_context(java_script_enabled=False)
    try:
        page = context.new_page()
        page.goto(f"{address}/executions/{name}")
        said = {}
        for question in ("running", "why", "when"):
            places = page.locator(f".answer .{question}")
            said[question] = _text(places.inner_html()) if places.count() else ""
        return Answer(**said)
    finally:
        context.close()


class Laptop:
    """A machine with ``zoe`` and nothing else: no Docker, no database, no repository."""

    def __init__(self, address: str, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        home = {"HOME": str(folder), "PATH": str(folder), "TZ": "UTC"}
        self._zoe = ZoeProcess({"ZOE_SERVER": address, **home})

    def zoe(self, *arguments: str) -> str:
        """Run a verb and return what it printed."""
        result = self._zoe(*arguments, cwd=self._folder)
        assert result.code in (0, 1), f"zoe {' '.join(arguments)}: {result}"
        return result.out + result.err

    def close(self) -> None:
        """End it."""
        self._zoe.stop()


def _text(html: str) -> str:
    return " ".join(Document.of(html).text.split())
