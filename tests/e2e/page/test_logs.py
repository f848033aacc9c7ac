"""What a container prints, through the engine, the loop, the database and the page to a laptop."""

from __future__ import annotations

import pytest

from tests.e2e.page import hostile
from tests.e2e.page.conftest import Site
from tests.e2e.page.mouths import Laptop
from tests.e2e.page.reading import says

pytestmark = [pytest.mark.swarm, pytest.mark.postgres, pytest.mark.slow]

PRINTS, HIDDEN = "aml/elastic", "bio/kept"


def test_a_laptop_reads_what_runs_where_its_namespace_lets_pages_show_it(
    site: Site, laptop: Laptop
) -> None:
    printed: list[str] = []

    def is_there() -> bool:
        printed[:] = [laptop.zoe("logs", PRINTS)]  # asking lets the loop read it
        return hostile.LOGGED in printed[0]

    site.installation.wait_until(is_there, what="the log to be read")
    assert "\\x1b[2J\\x1b]0;owned\\x07" in printed[0]
    assert not set(printed[0]) & {"\x1b", "\x07"}
    assert "main on " in printed[0]


def test_elsewhere_it_is_told_what_would_allow_it(site: Site, laptop: Laptop) -> None:
    told = laptop.zoe("logs", HIDDEN)
    assert says(told, "the logs of namespace bio aren't shown here")
    assert "page: {logs: true} in its Namespace" in told
    assert len(told.splitlines()) == 1
