"""The simulation finds what it is for: each planted bug, within the seeds of ``make test``."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests.safety.history import Rule
from tests.safety.simulation.database import InMemory
from tests.safety.simulation.planted import BUGS
from tests.safety.simulation.world import simulate

TOLD_AS = {
    "acts_before_it_commits": Rule.NOT_INTENDED,
    "acts_without_a_look_at_the_lease": Rule.STALE_LEADER,
    "deletes_without_asking": "is deleted with many, and nobody confirmed it",
    "forgets_results": Rule.RESULT_LOST,
    "holds_each_delete": "its delete is an everyday one",
    "pushes_whoever_leads": "is another one on the branch",
    "takes_a_successors_work_for_lost": "a sound database is refused",
    "takes_the_unreadable_for_empty": "a file of its namespace can't be read",
    "writes_with_any_epoch": Rule.STALE_LEADER,
}
SEEDS = 1000
FOUND_IN = {
    "pushes_whoever_leads": 747,
    "takes_a_successors_work_for_lost": 74,
    "takes_the_unreadable_for_empty": 66,
}
"""Where one was found last, unless that is within the first few: looked for from there on."""


@pytest.fixture(autouse=True)
def silence() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_found(bug: str) -> None:
    database = InMemory()
    with BUGS[bug]():
        seeds = range(FOUND_IN.get(bug, 1), SEEDS + 1)
        breaches = (simulate(seed, database).breaches for seed in seeds)
        assert any(TOLD_AS[bug] in breach for found in breaches for breach in found)
