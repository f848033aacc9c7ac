"""Fifty secrets, and not one of them where people read."""

from __future__ import annotations

import json
from collections.abc import Iterator

import psycopg
import pytest

from tests.e2e.page import crawl, mouths
from tests.e2e.page.canaries import COUNT
from tests.e2e.page.conftest import Site
from tests.e2e.page.mouths import Laptop
from tests.e2e.page.prepared import PHASES

pytestmark = [pytest.mark.swarm, pytest.mark.postgres, pytest.mark.slow]

VERBS = (
    ["status"],
    ["queue"],
    ["cluster"],
    ["events"],
    ["history"],
    ["usage"],
    *(["status", name] for name in PHASES),
    ["explain", "aml/behind"],
    ["events", "bio/failed"],
    ["history", "bio/failed"],
    ["logs", "bio/failed"],
    ["status", "-o", "json"],
    ["queue", "-o", "yaml"],
)


def test_as_many_as_we_say_are_planted(site: Site) -> None:
    assert len(site.canaries) >= COUNT
    printed = site.installation.zoe("logs", "bio/failed")
    assert site.canaries.found_in(printed), "the log must hold one, or its absence proves nothing"


def test_none_is_in_any_page_or_answer(site: Site) -> None:
    pages, answers = crawl.pages(site.address), crawl.answers(site.address)
    assert len(pages) > len(PHASES)
    assert len(answers) > len(PHASES)
    assert _leaks(site, {**pages, **answers}) == {}


def test_none_is_in_what_the_stream_tells(site: Site) -> None:
    with mouths.streaming(site.address) as lines:
        site.installation.push({"README.md": "changed\n"}, message="Change nothing that runs")
        told = [next(lines) for _ in range(4)]
    assert _leaks(site, {"stream": "\n".join(told)}) == {}


def test_none_is_on_the_status_branch(site: Site) -> None:
    published = site.installation.published()
    assert published
    assert _leaks(site, {path: data.decode() for path, data in published.items()}) == {}


def test_none_is_in_what_verbs_print_on_a_laptop(site: Site, laptop: Laptop) -> None:
    printed = {" ".join(verb): laptop.zoe(*verb) for verb in VERBS}
    assert _leaks(site, printed) == {}


def test_none_is_in_the_logs_of_run_and_web(site: Site) -> None:
    logs = {process.log.name: process.log.read_text() for process in (site.run, site.web.process)}
    assert all(logs.values())
    assert _leaks(site, logs) == {}


def test_the_pages_account_can_read_none(site: Site) -> None:
    """What the account can't read, no fault in a page can show."""
    assert _leaks(site, dict(_tables(site))) == {}


def _tables(site: Site) -> Iterator[tuple[str, str]]:
    with psycopg.connect(site.web_database, autocommit=True) as connection:
        listed = connection.execute(
            "SELECT table_name, string_agg(quote_ident(column_name), ',')"
            " FROM information_schema.columns WHERE table_schema = 'public'"
            " AND has_column_privilege('public.' || table_name, column_name, 'SELECT')"
            " GROUP BY table_name"
        ).fetchall()
        for table, columns in listed:
            rows = connection.execute(f"SELECT {columns} FROM {table}").fetchall()
            yield table, json.dumps(rows, default=str)


def _leaks(site: Site, texts: dict[str, str]) -> dict[str, list[str]]:
    found = {place: site.canaries.found_in(text) for place, text in texts.items()}
    return {place: leaked for place, leaked in found.items() if leaked}
