"""JupyterLab as people have it before them: in Chromium, by the gateway's path and by SOCKS."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.zapps.place import ZAPPS, Place

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.zapps, pytest.mark.swarm, pytest.mark.timeout(900)]

PATIENCE_MS = 240_000
LINKED = """
apiVersion: zoe/v1
kind: Execution
metadata: {name: linked}
spec:
  type: interactive
  services:
    notebook:
      image: quay.io/jupyter/base-notebook:latest
      command: [sh, -c, 'JUPYTER_TOKEN="$(cat /run/secrets/token)" exec start-notebook.py']
      ports: [{name: jupyter, target: 8888, app_protocol: http, route: socks, path: /lab}]
      secrets: [token]
      healthcheck: {test: [CMD, /etc/jupyter/docker_healthcheck.py], interval: 5s}
      resources: {reservations: {cpus: 0.2, memory: 1GiB}}
  secrets: {token: {generate: random}}
"""
FORWARDED = re.compile(
    r"(?P<page>http://\S+) can be opened through SOCKS5 at (?P<proxy>\S+:[0-9]+),"
)


def test_a_cell_runs_in_the_page_by_its_path(
    browser: Browser, with_image: Callable[[str], Place]
) -> None:
    place = with_image("jupyter")
    place.follow(ZAPPS / "jupyter")
    address = place.sh("zoe open aml/notebook --print").split()[-1]
    assert "/~/notebook/notebook/8888/lab?token=" in address
    assert run_a_cell(browser.new_page(), address) == "42"


def test_a_cell_runs_in_the_page_through_socks(
    browser: Browser, with_image: Callable[[str], Place]
) -> None:
    place = with_image("jupyter")
    place.push("executions/aml/linked.yaml", LINKED)
    place.sh("zoe wait aml/linked --for Running && git fetch -q origin")
    with place.beside("zoe open --socks aml/linked --listen 0") as told:
        found = FORWARDED.match(told)
        assert found, told
        assert found["page"] == "http://notebook.linked:8888/lab"
        context = browser.new_context(proxy={"server": f"socks5://{found['proxy']}"})
        address = f"{found['page']}?token={place.token('aml/linked')}"
        assert run_a_cell(context.new_page(), address) == "42"


def run_a_cell(page: Page, address: str) -> str:
    """Open a new notebook in JupyterLab by hand, and return what a cell in it printed.

    What a kernel is asked and answers goes through the page's websocket, and no other way.
    """
    page.set_default_timeout(PATIENCE_MS)
    sockets: list[str] = []
    page.on("websocket", lambda socket: sockets.append(socket.url))
    page.goto(address)
    page.locator(".jp-LauncherCard[data-category=Notebook]").first.click()
    cell = page.locator(".jp-Notebook .jp-CodeCell").first
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
    cell.locator(".cm-content").click()
    page.keyboard.type("print(6 * 7)")
    page.keyboard.press("Shift+Enter")
    printed = cell.locator(".jp-OutputArea-output").first.inner_text()
    assert any("/api/kernels/" in url for url in sockets), sockets
    return printed.strip()
