"""The page, the API and the terminal: each asked alone, as people ask it."""

from __future__ import annotations

import json
import subprocess
import sys
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
from tests.e2e.process import ROOT

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


def terminal(address: str, folder: Path, *arguments: str, code: int | None = 0) -> str:
    """Run a verb on a laptop that has nothing but ``zoe`` and the server's address."""
    folder.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "reconciler", *arguments],
        cwd=folder,
        env={
            "ZOE_SERVER": address,
            "HOME": str(folder),
            "PATH": str(folder),
            "PYTHONPATH": str(ROOT),
            "TZ": "UTC",
        },
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert code is None or done.returncode == code, f"zoe {arguments}: {done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def _text(html: str) -> str:
    return " ".join(Document.of(html).text.split())
