"""The sample pages in a real browser: accessible, narrow, dark, without scripts, and live."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.fixtures.gallery import Gallery
from tests.gallery import now
from tests.gallery.pages import DRAWN, draw
from tests.gallery.site import PAGES
from webhook.site import Away

AXE = Path(__file__).parents[2] / "vendor/axe-core/axe.min.js"
WIDE = {"width": 1280, "height": 900}
NARROW = {"width": 320, "height": 640}
FAULTS = """async (rules) => {
  const found = await axe.run(document, rules ? { runOnly: rules } : {});
  return found.violations.map(
    (one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => node.html).join(" ")}`);
}"""


@pytest.fixture(scope="module")
def axe() -> str:
    return AXE.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def screens(browser: Any) -> Iterator[dict[str, Any]]:
    """One open page per kind of screen, used again for every address."""
    kinds = {
        # Nothing fades while colours are looked at.
        "scripted": {"viewport": WIDE, "reduced_motion": "reduce"},
        "plain": {"viewport": WIDE, "java_script_enabled": False},
    }
    contexts = {name: browser.new_context(**kind) for name, kind in kinds.items()}
    yield {name: context.new_page() for name, context in contexts.items()}
    for context in contexts.values():
        context.close()


def faults(page: Any, rules: list[str] | None = None) -> list[str]:
    found: list[str] = page.evaluate(FAULTS, rules)
    return found


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_accessible_light_dark_and_narrow_and_keeps_its_policy(
    name: str, gallery: Gallery, screens: dict[str, Any], axe: str
):
    page, said = screens["scripted"], []

    def listen(message: Any) -> None:
        said.append(message.text)

    page.on("console", listen)
    page.set_viewport_size(WIDE)
    page.emulate_media(color_scheme="light")
    page.goto(gallery.url + PAGES[name])
    page.evaluate(axe)  # not as a script of the page: its policy has none but ours
    assert faults(page) == []
    # What else there is to find doesn't depend on the colours.
    page.emulate_media(color_scheme="dark")
    assert faults(page, ["color-contrast"]) == []
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(NARROW)
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    assert faults(page) == []
    page.remove_listener("console", listen)
    assert [text for text in said if "404" not in text] == []


@pytest.mark.parametrize("name", PAGES)
def test_a_page_says_everything_without_scripts(
    name: str, gallery: Gallery, screens: dict[str, Any]
):
    page = screens["plain"]
    page.goto(gallery.url + PAGES[name])
    assert page.locator("h1").inner_text()
    assert page.locator("footer").inner_text().count("Times are in UTC.") == 1
    assert page.locator("time").count() == page.locator("time", has_text="UTC").count()
    assert not page.locator("#live").is_visible()
    refreshes = page.locator("meta[http-equiv=refresh]").count()
    assert refreshes == (name not in ("zapps", "zapp", "reference", "missing"))


def stretched(text: str) -> str:
    """Return a sentence with a word as long as an image's digest, an address with a long host.

    What is shorter, or begun by a number or "core", is a count or a state of ours.
    """
    if text.startswith("http://"):
        return "http://compute-node-0001.cluster.department.university.example.org:31000/lab"
    if text.count(" ") < 3 or text[0].isdigit() or text.startswith("core "):
        return text
    return f"{text} registry.example.org/group/image@sha256:{'0123456789abcdef' * 4}"


@pytest.mark.parametrize("name", [name for name in PAGES if name in DRAWN])
def test_no_word_is_too_long_for_a_screen(name: str, gallery: Gallery, screens: dict[str, Any]):
    page = screens["plain"]
    page.goto(gallery.url + "/")
    page.set_content(draw(name, stretched))
    for width in (1280, 1000, 390):
        page.set_viewport_size({"width": width, "height": 600})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, width
    page.set_viewport_size(WIDE)


def test_the_ways_between_pages_are_one_line_at_any_width(
    gallery: Gallery, screens: dict[str, Any]
):
    page = screens["plain"]
    page.goto(gallery.url + PAGES["waiting"])
    for width in (*range(320, 1600, 160), 1200):
        page.set_viewport_size({"width": width, "height": 600})
        shown = [link for link in page.locator(".top nav a").all() if link.is_visible()]
        assert len({link.bounding_box()["y"] for link in shown}) == 1, width
    page.set_viewport_size(WIDE)


def test_an_address_that_fits_a_line_is_not_broken(gallery: Gallery, screens: dict[str, Any]):
    page = screens["plain"]
    page.goto(gallery.url + PAGES["glance"])
    page.set_viewport_size({"width": 390, "height": 600})
    addresses = page.locator(".c-reach a").all()
    assert len(addresses) > 3
    assert {len(one.evaluate("a => [...a.getClientRects()]")) for one in addresses} == {1}
    page.set_viewport_size(WIDE)


def test_times_are_told_by_the_readers_clock(browser: Any, gallery: Gallery):
    with browser.new_context(timezone_id="Asia/Tokyo", locale="en-GB") as context:
        page = context.new_page()
        page.clock.set_fixed_time(now.NOW)
        page.goto(gallery.url + PAGES["waiting"])
        assert "It starts at about 23:50, when aml/notebook ends" in page.inner_text(".answer")
        assert "Asia/Tokyo" in page.inner_text("footer")


def test_news_come_without_taking_anything_away(browser: Any, gallery: Gallery):
    """What is typed, opened, focused and scrolled to stays while the page is brought up to date."""
    with browser.new_context(viewport={"width": 1280, "height": 400}) as context:
        page = context.new_page()
        page.goto(gallery.url + "/")
        expect(page.locator("#live")).to_have_text("live")
        page.fill("input[name=labels]", "course=a")
        page.evaluate("window.scrollTo(0, 300)")
        before = page.evaluate("[scrollY, document.activeElement.name]")
        assert before == [300, "labels"]
        gallery.site.look = dataclasses.replace(
            now.GLANCE, sentence="Everything is new.", alerts=now.GLANCE.alerts[1:]
        )
        try:
            gallery.tell()
            expect(page.locator("h1")).to_have_text("Everything is new.")
            assert page.evaluate("document.activeElement.name") == "labels"
            assert page.evaluate("scrollY") > 0
            assert page.input_value("input[name=labels]") == "course=a"
            assert "lab/typo" not in page.inner_text(".alerts")
            assert page.locator("time", has_text="UTC").count() == 0
        finally:
            gallery.site.look = now.GLANCE


def test_what_is_open_stays_open(browser: Any, gallery: Gallery):
    with browser.new_context(viewport=WIDE) as context:
        page = context.new_page()
        page.goto(gallery.url + PAGES["history"])
        expect(page.locator("#live")).to_have_text("live")
        page.click("#cpus summary")
        page.evaluate("document.querySelector('#view h1').textContent = 'old'")
        gallery.tell()
        expect(page.locator("h1")).to_have_text("History")
        assert page.locator("#cpus details[open]").count() == 1


def test_a_lost_server_is_said(browser: Any, gallery: Gallery):
    with browser.new_context(viewport=WIDE) as context:
        page = context.new_page()
        page.goto(gallery.url + "/")
        expect(page.locator("#live")).to_have_text("live")
        context.set_offline(True)
        gallery.end_streams()
        expect(page.locator("#live")).to_have_text("not live")
        assert page.inner_text("h1").startswith("11 run")


def test_a_page_that_cannot_be_brought_up_to_date_says_so(browser: Any, gallery: Gallery):
    """The database is away, and what this page tells is only there; the stream goes on."""

    def away(*_: object) -> None:
        raise Away("the database is away", retry_after_s=5)

    with browser.new_context(viewport=WIDE) as context:
        page = context.new_page()
        page.goto(gallery.url + PAGES["commits"])
        expect(page.locator("#live")).to_have_text("live")
        gallery.site.commits = away
        gallery.tell()
        expect(page.locator("#live")).to_have_text("not live")
        assert page.inner_text("h1") == "Commits"
        del gallery.site.commits
        gallery.tell()
        expect(page.locator("#live")).to_have_text("live")


def test_a_stale_page_says_how_old_it_is(gallery: Gallery, screens: dict[str, Any]):
    gallery.site.fresh = now.STALE
    gallery.tell()
    try:
        screens["plain"].goto(gallery.url + PAGES["queue"])
        banner = screens["plain"].inner_text(".stale")
        assert "This isn't the newest." in banner
        assert "2026-11-22 13:53 UTC" in banner
    finally:
        gallery.site.fresh = now.FRESH
        gallery.tell()


def test_a_manifest_is_copied(browser: Any, gallery: Gallery):
    with browser.new_context(permissions=["clipboard-read", "clipboard-write"]) as context:
        page = context.new_page()
        page.goto(gallery.url + PAGES["zapp"])
        page.click("button.copy")
        page.wait_for_selector("button.copy:text('Copied')")
        assert page.evaluate("navigator.clipboard.readText()").startswith("apiVersion: zoe/v1")


def test_the_keyboard_gets_past_the_navigation(gallery: Gallery, screens: dict[str, Any]):
    page = screens["scripted"]
    page.goto(gallery.url + "/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
