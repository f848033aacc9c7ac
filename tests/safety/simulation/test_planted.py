"""The simulation finds what it is for: each planted bug, within a few seeds."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests.safety.history import Rule
from tests.safety.simulation.database import Database
from tests.safety.simulation.planted import BUGS
from tests.safety.simulation.world import simulate

TOLD_AS = {
    "acts_before_it_commits": Rule.NOT_INTENDED,
    "acts_without_a_look_at_the_lease": Rule.STALE_LEADER,
    "forgets_results": Rule.RESULT_LOST,
    "writes_with_any_epoch": Rule.STALE_LEADER,
}
SEEDS = 15


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    logging.disable(logging.CRITICAL)
    made = Database()
    yield made
    made.close()
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_found(bug: str, database: Database) -> None:
    with BUGS[bug]():
        breaches = (simulate(seed, database).breaches for seed in range(1, SEEDS + 1))
        assert any(TOLD_AS[bug] in breach for found in breaches for breach in found)
