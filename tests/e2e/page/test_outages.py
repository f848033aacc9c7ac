"""The page is there when nothing else is: it answers, and says how old its answer is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from tests.e2e.page import mouths
from tests.e2e.page.conftest import Site, web_on
from tests.e2e.page.prepared import PHASES
from tests.e2e.page.reading import Document, says
from tests.fixtures.postgres import PostgresCluster

pytestmark = [pytest.mark.swarm, pytest.mark.postgres, pytest.mark.slow]

NOW = ("/", "/executions", "/queue", "/cluster", "/zapps", "/executions/aml/behind")
THEN = ("/namespaces", "/history", "/usage", "/commits")
STREAMS = 20
SHUTDOWN_S = 3


@contextmanager
def away(cluster: PostgresCluster) -> Iterator[None]:
    """Let the database server be gone for a while."""
    cluster.stop()
    try:
        yield
    finally:
        cluster.start()


def told(address: str) -> str:
    """Return what the banner says; "" while all is well."""
    said: str = mouths.asked_api(address, "glance")["freshness"].get("told", "")
    return said


def text(address: str, path: str) -> tuple[int, str]:
    status, _, body = mouths.fetch(address + path)
    return status, Document.of(body.decode()).text


def test_without_the_database_what_was_seen_last_is_told_with_its_age(site: Site) -> None:
    wait = site.installation.wait_until
    wait(lambda: not told(site.address), what="a page that is up to date")
    with away(site.cluster):
        wait(lambda: told(site.address), what="the page to miss the database")
        said = told(site.address)
        for path in NOW:
            status, shown = text(site.address, path)
            assert (status, says(shown, said)) == (200, True), (path, shown)
        for path in THEN:
            status, shown = text(site.address, path)
            assert status == 503, path
            assert "database" in shown
        names = {_full(line) for line in mouths.asked_api(site.address, "executions")["lines"]}
        assert names >= PHASES.keys()
    wait(lambda: not told(site.address), what="the page to be up to date again")


def test_a_loop_that_stands_still_is_told_of(site: Site) -> None:
    wait = site.installation.wait_until
    wait(lambda: not told(site.address), what="a page that is up to date")
    site.run.pause()
    try:
        wait(lambda: told(site.address), what="the page to miss the loop")
        said = told(site.address)
        assert "zoe run" in said
        assert says(text(site.address, "/")[1], said)
    finally:
        site.run.go_on()
    wait(lambda: not told(site.address), what="the page to be up to date again")


def test_it_ends_in_time_with_streams_open_and_begins_with_what_it_saw(site: Site) -> None:
    """Readers keep no server from ending; no database keeps one from beginning."""
    web = web_on(site, site.database, state="left")
    with ExitStack() as streams:
        for _ in range(STREAMS):
            next(streams.enter_context(mouths.streaming(web.address)))
        web.process.stop(within_s=SHUTDOWN_S)
    with away(site.cluster):
        web = web_on(site, site.database, state="left")
        names = {_full(line) for line in mouths.asked_api(web.address, "executions")["lines"]}
        assert names >= PHASES.keys()
        assert told(web.address)
        web.process.stop()


def _full(line: dict[str, str]) -> str:
    return f"{line['namespace']}/{line['name']}"
