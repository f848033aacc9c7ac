"""Spark in its three forms: what a README says works, and workers that go cost nothing."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from tests.zapps.notebook import Kernel, kernel
from tests.zapps.place import ZAPPS, Place

pytestmark = [pytest.mark.zapps, pytest.mark.swarm, pytest.mark.timeout(900)]

WITH_A_PAUSE = "    __import__('time').sleep(0.25)\n    return"
REPORT = """
import json, urllib.request
root = f"http://localhost:{spark.sparkContext.uiWebUrl.rsplit(':', 1)[1]}/api/v1/applications/"
def ask(what):
    return json.load(urllib.request.urlopen(root + spark.sparkContext.applicationId + what))
stages = [stage for stage in ask("/stages") if stage["status"] != "SKIPPED"]
print(json.dumps({
    "attempts": sum(stage["attemptId"] for stage in stages),
    "failed": sum(stage["numFailedTasks"] + stage["numKilledTasks"] for stage in stages),
    "complete": sum(stage["numCompleteTasks"] for stage in stages),
    "tasks": sum(stage["numTasks"] for stage in stages),
    "removed": [e["removeReason"] for e in ask("/allexecutors") if not e["isActive"]],
}))
"""


def test_pi_is_right_while_two_of_the_workers_that_compute_it_go(
    with_image: Callable[[str], Place],
) -> None:
    place = with_image("spark-jupyter")
    pi, scala = place.follow(ZAPPS / "spark-jupyter")
    assert pi.count("    return") == 1
    place.wait_until(lambda: _workers(place) == 5, what="five workers")
    with _opened(place) as cells:
        cells.run("from pyspark.sql import SparkSession\n" + _WARM_UP)
        printed = _run_while_two_go(place, cells, pi.replace("    return", WITH_A_PAUSE))
        assert abs(float(re.findall(r"Pi is roughly (\S+)", printed)[-1]) - 3.1416) < 0.01
        told = json.loads(cells.run(REPORT).splitlines()[-1])
        assert (told["attempts"], told["failed"]) == (0, 0), told
        assert told["complete"] == told["tasks"] >= 248
        assert len(told["removed"]) == 2
        assert all("decommission" in reason for reason in told["removed"]), told
        assert "sum: 5050" in cells.run(scala)
    place.wait_until(lambda: len(_decommissioned(place)) == 2, what="the master to tell of both")


# Python and its workers are started before the clock runs: every executor has had a task.
_WARM_UP = """
spark = SparkSession.builder.appName("pi").getOrCreate()
import time
spark.sparkContext.parallelize(range(40), 40).map(lambda n: time.sleep(0.2)).count()
"""


def _opened(place: Place) -> AbstractContextManager[Kernel]:
    address, token = place.address("aml/spark", "jupyter"), place.token("aml/spark")
    return kernel(address, token, timeout_s=600)


def _run_while_two_go(place: Place, cells: Kernel, code: str) -> str:
    """Run a cell; a few seconds into it, let the execution have two workers less."""
    edit = threading.Timer(4, place.edit, ("executions/aml/spark.yaml", "workers: 5", "workers: 3"))
    edit.start()
    try:
        return cells.run(code)
    finally:
        edit.join()


def _decommissioned(place: Place) -> set[str]:
    return set(re.findall(r"Decommissioning worker (\S+)", place.logs("aml/spark", "master")))


def _workers(place: Place) -> int:
    parts = place.status("aml/spark")["parts"]
    return sum(part["running"] for part in parts if part["name"] == "worker")


def test_an_application_that_is_submitted_ends_with_its_exit_code(
    with_image: Callable[[str], Place],
) -> None:
    with_image("spark-submit").follow(ZAPPS / "spark-submit")


def test_a_stream_goes_on_until_it_is_stopped(with_image: Callable[[str], Place]) -> None:
    place = with_image("spark-streaming")
    place.follow(ZAPPS / "spark-streaming")
    place.wait_until(
        lambda: "Batch: 1" in place.logs("aml/rate", "driver"), what="the second batch"
    )
    assert place.status("aml/rate")["line"]["state"] == "Running"
