"""The small form of what ``python -m tests.safety.lost_database`` does with hundreds."""

from __future__ import annotations

import pytest

from tests.fixtures.postgres import PostgresCluster
from tests.safety.lost_database import bulk


@pytest.mark.postgres
def test_a_dropped_database_is_rebuilt_and_nothing_is_made_or_stopped(
    postgres_cluster: PostgresCluster,
) -> None:
    found = bulk(postgres_cluster, running=6, finished=9)
    assert (found.made, found.stopped, found.changed) == (0, 0, 0)
