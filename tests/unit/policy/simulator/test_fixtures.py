"""The golden fixtures of the paper's authors, and the means that their policies come to.

Ten units, four applications of three core replicas each that arrive together; and twenty units,
where an application with a large core comes in last. Times are a thousandth of the original's
unit finer than milliseconds show, so runtimes are multiplied by a thousand.
"""

from __future__ import annotations

from statistics import fmean

import pytest

from policy.settings import Policy, PolicySettings
from policy.simulator.application import Application
from policy.simulator.engine import Engine
from tests.workloads import application, pool

FIRST = [
    application("A", 3, 4, 10_000),
    application("B", 3, 3, 10_000),
    application("C", 3, 5, 10_000),
    application("D", 3, 2, 10_000),
]
SECOND = [
    application("A", 6, 4, 20_000),
    application("B", 6, 2, 25_000),
    application("C", 8, 8, 12_500),
    application("D", 19, 1, 7_500, at_s=5_000),
]


def turnarounds(applications: list[Application], units: int, policy: Policy) -> list[float]:
    """Return each application's time from its arrival to its end, in the original's unit."""
    run = Engine(PolicySettings(policy=policy), pool(units).nodes()).run(applications)
    return [(r.turnaround_ms or 0) / 1_000_000 for _, r in sorted(run.records.items())]


@pytest.mark.parametrize(
    ("policy", "ends"),
    [
        (Policy.FIFO, [10, 20, 30, 40]),
        (Policy.EASY, [10, 20, 30, 40]),
        (Policy.FIFO_MALLEABLE, [10, 15, 22.5, 32.5]),
        (Policy.FIFO_FLEXIBLE, [10, 15, 23.571, 28.429]),
    ],
)
def test_first_fixture(policy: Policy, ends: list[float]):
    found = turnarounds(FIRST, 10, policy)
    assert found == pytest.approx(ends, abs=0.001)
    means = {Policy.FIFO_MALLEABLE: 20, Policy.FIFO_FLEXIBLE: 19.25}
    assert fmean(found) == pytest.approx(means.get(policy, 25), abs=0.001)


@pytest.mark.parametrize(
    ("policy", "ends"),
    [
        (Policy.FIFO, [20, 25, 37.5, 45]),
        (Policy.FIFO_FLEXIBLE, [30, 31.25, 25, 38.75]),
    ],
)
def test_second_fixture(policy: Policy, ends: list[float]):
    found = turnarounds(SECOND, 20, policy)
    assert found == pytest.approx([*ends[:3], ends[3] - 5], abs=0.001)
