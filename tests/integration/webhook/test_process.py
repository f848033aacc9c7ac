"""``zoe web`` and ``zoe up`` as processes: their start, what outlives a database, and their end."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.postgres import wait_until
from tests.fixtures.site import Site, execution_file
from tests.fixtures.verbs import CHECKOUT, lasting
from tests.integration.webhook.observed import event

GRACE_S = 3


@contextmanager
def zoe(folder: Path, *argv: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a verb in a process of its own; its log is ``log`` in the folder."""
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    with lasting([sys.executable, "-m", "reconciler", *argv], folder, environment) as process:
        yield process


def logged(folder: Path, name: str) -> dict[str, Any] | None:
    for line in (folder / "log").read_text().splitlines():
        with suppress(ValueError):
            found: dict[str, Any] = json.loads(line)
            if found.get("event") == name:
                return found
    return None


def port_of(folder: Path) -> int:
    wait_until(lambda: logged(folder, "listening") is not None)
    return int((logged(folder, "listening") or {})["port"])


def get(port: int, path: str) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def is_there(port: int, path: str, status: int = 200) -> bool:
    with suppress(OSError):
        return get(port, path)[0] == status
    return False


@pytest.fixture
def folder(site: Site, tmp_path: Path) -> Path:
    """A folder whose zoe.toml names the site's database, with one execution in it."""
    site.push({"executions/aml/job.yaml": execution_file("job")})
    site.reconcile(passes=4)
    made = tmp_path / "web"
    made.mkdir()
    (made / "zoe.toml").write_text(f'database_url = "{site.settings.database}"\n')
    return made


def test_it_starts_without_any_webhook_and_ends_at_once_with_streams_open(folder: Path) -> None:
    with zoe(folder, "web", "--port", "0") as process:
        port = port_of(folder)
        wait_until(lambda: is_there(port, "/api/v1/cluster"))
        streams = [http.client.HTTPConnection("127.0.0.1", port, timeout=20) for _ in range(5)]
        for connection in streams:
            connection.request("GET", "/events")
            event(connection.getresponse(), "pulse")
        process.send_signal(signal.SIGTERM)
        process.wait(GRACE_S)
        for connection in streams:
            connection.close()
    assert process.returncode in (0, -signal.SIGTERM)
    assert "Traceback" not in (folder / "log").read_text()


def test_with_the_database_away_it_starts_from_what_it_saw_last(site: Site, folder: Path) -> None:
    path = Path(site.settings.database.removeprefix("sqlite:///"))
    with zoe(folder, "web", "--port", "0"):
        port = port_of(folder)
        wait_until(lambda: is_there(port, "/api/v1/executions/aml/job"))
        wait_until((folder / ".zoe-state" / "web.db").exists)
    path.rename(path.with_suffix(".away"))
    with zoe(folder, "web", "--port", "0"):
        port = port_of(folder)
        wait_until(lambda: is_there(port, "/api/v1/executions/aml/job"))
        status, glance = get(port, "/api/v1/glance")
        assert status == 200
        assert glance["freshness"]["told"].startswith("the database can't be reached")
        assert glance["running"][0]["name"] == "job"
        assert get(port, "/api/v1/commits")[0] == 503
        assert get(port, "/readyz")[0] == 503


def test_up_serves_the_page_and_takes_it_along_even_when_it_is_killed(
    site: Site, tmp_path: Path
) -> None:
    folder = tmp_path / "up"
    folder.mkdir()
    lines = [
        'cluster = "simulated"',
        f"[[source]]\nid = 'platform'\nurl = '{site.repository.path}'",
    ]
    (folder / "zoe.toml").write_text("\n".join(lines))
    with zoe(folder, "up", "--port", "0") as process:
        port = port_of(folder)
        assert f"the page: http://127.0.0.1:{port}/\n" in (folder / "log").read_text()
        wait_until(lambda: is_there(port, "/api/v1/cluster"))
        process.kill()
        process.wait(20)
        wait_until(lambda: not is_there(port, "/healthz"))
