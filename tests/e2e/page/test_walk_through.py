"""Ten executions: is it running, why not, and when? From each mouth alone, in the same words."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser

from reconciler.view.execution import Answer
from tests.e2e.page import mouths
from tests.e2e.page.conftest import Site
from tests.e2e.page.mouths import Laptop
from tests.e2e.page.prepared import HOLD, INVALID, NO_IMAGE, PHASES
from tests.e2e.page.reading import says

pytestmark = [pytest.mark.swarm, pytest.mark.postgres, pytest.mark.slow]

INSTANT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
# What must be in each of the three sentences, whatever else is; "" where there is to be none.
EXPECTED: dict[str, tuple[str, str, str]] = {
    "aml/elastic": (f"^Yes.*{INSTANT}", "^$", f"ends.*{INSTANT}"),
    "aml/ahead": (r"^No.*number 1\b", "CPU", f"{INSTANT}"),
    "aml/behind": (r"^No.*number 2\b", "aml/ahead", f"{INSTANT}"),
    "aml/never": ("^No.*can't", "512 CPUs", "^Not"),
    "aml/noimage": ("^No.*failed", re.escape(NO_IMAGE["image"]), "zoe rerun aml/noimage"),
    "bio/failed": ("^No.*failed", "exit code 3", "zoe rerun bio/failed"),
    "bio/done": (f"^No.*succeeded.*{INSTANT}", "", "^$"),
    "bio/asleep": ("^No.*suspended", "(?i)suspend", "zoe resume bio/asleep"),
    "bio/nightly": ("^No.*schedule", "", "2027-01-01T01:30:00Z|01-01T01:30:00Z"),
    "bio/kept": ("^Yes", f"(?i)held.*{HOLD}", f"{INSTANT}"),
    "bio/broken": ("^No.*invalid", r"executions/bio/broken\.yaml:\d+", "corrected"),
}


@pytest.fixture(scope="module", autouse=True)
def _settled(site: Site) -> None:
    """Wait for the last of the ten states: three times in vain for an image takes half a minute."""
    site.installation.await_phases({**PHASES, INVALID: "Invalid"})
    missing = "executions/aml/noimage"
    site.installation.wait_until(
        lambda: mouths.asked_api(site.address, missing)["line"]["state"] == "Failed",
        what="the page to tell it",
    )
    # What is foreseen comes after what is; until then the page tells what was foreseen before.
    site.installation.wait_until(
        lambda: all(
            re.search(INSTANT, mouths.answer_of_api(site.address, name).when)
            for name in ("aml/ahead", "aml/behind")
        ),
        what="it to be foreseen what that changes",
    )


@pytest.mark.parametrize("name", EXPECTED)
def test_the_three_questions_are_answered_in_the_same_words_everywhere(
    site: Site, browser: Browser, laptop: Laptop, name: str
) -> None:
    by_api = mouths.answer_of_api(site.address, name)
    by_page = mouths.answer_of_page(browser, site.address, name)
    by_terminal = laptop.zoe("status", name)
    assert _sentences(by_page) == _sentences(by_api)
    unsaid = [sentence for sentence in _sentences(by_api) if not says(by_terminal, sentence)]
    assert unsaid == [], by_terminal
    for sentence, expected in zip(_sentences(by_api), EXPECTED[name], strict=True):
        assert re.search(expected, sentence), f"{sentence!r} lacks {expected!r}"


def _sentences(answer: Answer) -> tuple[str, str, str]:
    return answer.running, answer.why, answer.when


def test_page_and_terminal_list_them_all_with_their_states(
    site: Site, browser: Browser, laptop: Laptop
) -> None:
    """Who has to be looked for isn't seen in ten seconds."""
    listed = laptop.zoe("status")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site.address}/executions")
    for name in EXPECTED:
        state = mouths.asked_api(site.address, f"executions/{name}")["line"]["state"]
        assert re.search(rf"{name}.*{state}", listed), listed
        assert state in page.locator("tr", has_text=name).inner_text()
    context.close()


def test_the_queue_is_the_same_in_page_api_and_terminal(
    site: Site, browser: Browser, laptop: Laptop
) -> None:
    queue = mouths.asked_api(site.address, "queue")
    names = [f"{entry['namespace']}/{entry['name']}" for entry in queue["waiting"]]
    assert names == ["aml/ahead", "aml/behind"]
    assert [entry["name"] for entry in queue["never"]] == ["never"]
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site.address}/queue")
    told = (page.inner_text("main"), laptop.zoe("queue"))
    context.close()
    for text in told:
        places = [text.find(name.split("/")[1]) for name in [*names, "aml/never"]]
        assert -1 not in places, text
        assert all(says(text, entry["why"]) for entry in queue["waiting"]), text
