"""Whatever people write: on every page it is text, to a real browser."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Dialog, Page, Request

from tests.e2e.page import crawl, hostile, mouths
from tests.e2e.page.conftest import Site, web_on
from tests.e2e.page.prepared import INVALID, PHASES

PRINTS = "aml/elastic"
pytestmark = [pytest.mark.swarm, pytest.mark.postgres, pytest.mark.slow]

# Our script hides what says "live" until the stream is open: once here, once there.
ELEMENTS = """() => [...document.querySelectorAll("*")].map((e) => [e.localName,
    ...[...e.attributes].map((a) => a.name).filter((n) => n !== "hidden").sort()].join(" "))"""
VALUES = """() => [...document.querySelectorAll("*")].flatMap(
    (e) => [...e.attributes].map((a) => [e.localName, a.name, a.value]))"""
TEXT = "() => document.body.innerText"


@dataclass
class Watched:
    """A page of the browser, and what happened on it that must not."""

    page: Page
    origin: str
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("dialog", self._dialog)
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        self.page.on("request", self._request)

    def _dialog(self, dialog: Dialog) -> None:
        self.faults.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.faults.append(f"console: {message.text}")

    def _request(self, request: Request) -> None:
        if urlsplit(request.url).netloc != self.origin:
            self.faults.append(f"request: {request.url}")


@contextmanager
def watched(browser: Browser, address: str) -> Iterator[Watched]:
    """Open a page of a context of its own, with JavaScript as it comes."""
    context = browser.new_context()
    yield Watched(context.new_page(), urlsplit(address).netloc)
    context.close()


@pytest.fixture(scope="module")
def twins(site: Site) -> Iterator[tuple[str, str]]:
    """Two copies of the installation's database behind two webs: addresses of harmless, hostile."""
    _logged(site)
    site.cluster.copy(site.cluster.url("page"), "still")
    webs = [
        web_on(site, _filled(site, name, text), state=name)
        for name, text in (("harmless", hostile.HARMLESS), ("hostile", hostile.ALL))
    ]
    yield webs[0].address, webs[1].address
    for web in webs:
        web.process.stop()


def _logged(site: Site) -> list[dict[str, str]]:
    """Return the log of the one that prints, which the loop reads while somebody looks."""
    logs: list[dict[str, str]] = []

    def are_there() -> bool:
        logs[:] = mouths.asked_api(site.address, f"executions/{PRINTS}/logs")["logs"]
        return any(hostile.LINES[0] in log["text"] for log in logs)

    site.installation.wait_until(are_there, what="the log to be read")
    return logs


def _filled(site: Site, name: str, text: str) -> str:
    """Return the URL of a copy with a text in all that people wrote."""
    site.cluster.create(name, template="still")
    hostile.fill(site.cluster.url(name), text)
    return site.cluster.url(name)


def test_data_makes_no_element_and_no_attribute(twins: tuple[str, str], browser: Browser) -> None:
    harmless, evil = twins
    paths = sorted(_paths(harmless))
    assert len(paths) > len(PHASES)
    differing = {}
    with watched(browser, harmless) as tame, watched(browser, evil) as wild:
        for path in paths:
            for page, address in ((tame.page, harmless), (wild.page, evil)):
                page.goto(address + path, wait_until="domcontentloaded")
            made = _elements(wild.page), _elements(tame.page)
            if made[0] != made[1]:
                differing[path] = (made[0] - made[1], made[1] - made[0])
            assert not [value for value in wild.page.evaluate(VALUES) if _is_alien(value)], path
        assert wild.faults == []
    assert differing == {}


def test_what_acts_is_shown_as_what_it_is(twins: tuple[str, str], browser: Browser) -> None:
    """An escape sequence or a reversed file name must be seen, not obeyed."""
    with watched(browser, twins[1]) as wild:
        wild.page.goto(f"{twins[1]}/executions/{INVALID}")
        text = wild.page.evaluate(TEXT)
    assert hostile.LINES[0] in text
    assert not set(text) & {"\u202e", "\u2066", "\x1b", "\x07", "\x9b", "\x08"}


def test_a_log_that_tries_to_be_a_page_is_a_log(site: Site, browser: Browser) -> None:
    """What a container really printed, through the engine, the loop and the database."""
    assert "\\x1b[2J" in _logged(site)[0]["text"]
    with watched(browser, site.address) as wild:
        wild.page.goto(f"{site.address}/executions/{PRINTS}", wait_until="domcontentloaded")
        assert hostile.LINES[1] in wild.page.locator("pre").first.inner_text()
        assert wild.page.locator(hostile.MARK).count() == 0
        assert wild.faults == []


def test_a_very_long_word_doesnt_widen_the_page(twins: tuple[str, str], browser: Browser) -> None:
    with watched(browser, twins[1]) as wild:
        wild.page.set_viewport_size({"width": 320, "height": 640})
        for path in ("/", "/queue", f"/executions/{INVALID}", "/commits"):
            wild.page.goto(twins[1] + path)
            assert wild.page.evaluate("document.documentElement.scrollWidth") <= 320, path


def test_no_field_of_an_answer_is_made_of_data(twins: tuple[str, str]) -> None:
    for path in sorted(_paths(twins[0])):
        _, fields, _ = mouths.fetch(twins[1] + path)
        assert "Set-Cookie" not in fields
        assert hostile.MARK not in str(fields)


def _paths(address: str) -> set[str]:
    found = crawl.pages(address).keys() - {crawl.NOWHERE}  # which a browser complains of
    return {path for path in found if "?" not in path and "." not in path}


def _elements(page: Page) -> Counter[str]:
    return Counter(page.evaluate(ELEMENTS))


def _is_alien(attribute: list[str]) -> bool:
    """Tell whether data came into a name, or into a value as it was written."""
    element, name, value = attribute
    return hostile.MARK in element + name or any(line in value for line in hostile.LINES)
