"""From a seed that fails to fewer faults that make it fail."""

from __future__ import annotations

from tests.safety.simulation.database import Database
from tests.safety.simulation.world import Result, simulate


def minimal(failed: Result, database: Database) -> Result:
    """Return a run of the same seed with as few faults as still break a promise.

    Each fault in turn is left out, the last one first; what comes after it may differ then.
    """
    best, left_out = failed, frozenset[int]()
    for fault in range(failed.faults, 0, -1):
        tried = simulate(failed.seed, database, left_out=left_out | {fault})
        if tried.breaches:
            best, left_out = tried, left_out | {fault}
    return best
