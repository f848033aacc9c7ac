"""Seeds of the simulation, in parts for several processes, and those that found something.

Most have the store in memory, every fiftieth the real one.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests.safety.simulation.database import Databases, InMemory
from tests.safety.simulation.world import simulate

SEEDS = 1000
AT_ONCE = 50
PARTS = range(1, SEEDS + 1, AT_ONCE)
FOUND = {
    5123: "a file that went back to what it was before a push whose answer was lost",
    6332: "a batch that was deleted by an older reading, when it had ended unseen",
    10375: "a leader that begins with an older reading",
    13284: "a set that was never read: over whom it is isn't known, but how its members are called",
    15708: "the same as 10375",
    24743: "deletes that wait for their owner's file aren't among those that are too many",
    33001: "an edit that replaces what runs, beside a reading that lacks it",
}
"""Seeds beyond these that failed, with what they taught; what they draw changes with the script."""


@pytest.fixture(scope="module")
def databases() -> Iterator[Databases]:
    logging.disable(logging.CRITICAL)  # thousands of passes, each with its faults
    made = Databases()
    yield made
    made.close()
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("first", PARTS)
def test_no_promise_is_broken_and_everything_comes_to_rest(
    first: int, databases: Databases
) -> None:
    for seed in range(first, first + AT_ONCE):
        _check(seed, databases)


@pytest.mark.parametrize("seed", FOUND)
def test_what_failed_once(seed: int, databases: Databases) -> None:
    _check(seed, databases)


def test_a_seed_is_the_same_every_time(databases: Databases) -> None:
    assert simulate(7, databases.of(7)) == simulate(7, databases.of(7))


@pytest.mark.parametrize("seed", [50, 200])
def test_a_world_on_the_real_store_is_the_same_as_in_memory(
    seed: int, databases: Databases
) -> None:
    assert simulate(seed, databases.of(seed)).trace == simulate(seed, InMemory()).trace


def _check(seed: int, databases: Databases) -> None:
    result = simulate(seed, databases.of(seed))
    assert not result.breaches, "\n".join((f"seed {seed}", *result.trace, *result.breaches))
