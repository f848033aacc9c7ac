"""The simulation finds what it is for: each planted bug, within a few seeds."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests.safety.history import Rule
from tests.safety.simulation.database import Database
from tests.safety.simulation.planted import BUGS
from tests.safety.simulation.world import simulate

FOUND_BY = {
    "acts_before_it_commits": (1, Rule.NOT_INTENDED),
    "acts_without_a_look_at_the_lease": (5, Rule.STALE_LEADER),
    "forgets_results": (3, Rule.RESULT_LOST),
    "goes_on_after_an_unknown_commit": (1, "the ledger"),
    "writes_with_any_epoch": (1, "the ledger"),
}
"""The first seed that finds it, and what that tells."""


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    logging.disable(logging.CRITICAL)
    made = Database()
    yield made
    made.close()
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_found(bug: str, database: Database) -> None:
    seed, told = FOUND_BY[bug]
    with BUGS[bug]():
        breaches = simulate(seed, database).breaches
    assert any(told in breach for breach in breaches), breaches
