"""Dask: workers that go hand over their results, and no task runs twice."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.zapps.place import ZAPPS, Place

pytestmark = [pytest.mark.zapps, pytest.mark.swarm, pytest.mark.timeout(900)]

TASKS = 200


def test_no_task_runs_twice_while_workers_go(with_image: Callable[[str], Place]) -> None:
    place = with_image("dask")
    place.follow(ZAPPS / "dask")
    done = place.workspace / "squares.txt"
    place.wait_until(lambda: done.exists() and len(done.read_text().split()) > 20, what="results")
    place.edit("executions/aml/dask.yaml", "workers: 5", "workers: 2")
    place.sh("zoe wait aml/squares --for Succeeded")
    printed = place.sh("zoe logs aml/squares")
    assert f"sum of squares: {sum(n * n for n in range(TASKS))}" in printed
    assert sorted(map(int, done.read_text().split())) == list(range(TASKS))
    place.wait_until(
        lambda: place.logs("aml/dask", "scheduler").count("Retired worker") >= 3,
        what="three workers to be told retired",
    )
    assert "KilledWorker" not in printed
