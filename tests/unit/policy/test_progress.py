"""Speed: linear unless a curve says otherwise, and nothing without the whole core."""

from __future__ import annotations

import pickle

from policy.model.execution import ApplicationType, Component, Execution, Uid
from policy.model.resources import NOTHING
from policy.progress import speed


def execution(*components: Component) -> Execution:
    return Execution(
        uid=Uid("u"),
        namespace="aml",
        name="train",
        type=ApplicationType.BATCH,
        components=components,
        queued_ms=0,
    )


DRIVER = Component(name="driver", core=1, maximum=1, demand=NOTHING)
WORKER = Component(name="worker", core=1, maximum=4, demand=NOTHING)
CURVED = Component(
    name="worker", core=1, maximum=4, demand=NOTHING, speedup=(1000, 1800, 2400, 2700)
)


def test_what_is_worked_out_is_kept_and_is_nothing_of_its_own():
    known = execution(DRIVER, WORKER)
    assert known.by_name is known.by_name
    sent = pickle.loads(pickle.dumps(known))
    assert sent == known == execution(DRIVER, WORKER)
    assert vars(known)
    assert not vars(sent)


def test_linear_speed_counts_replicas():
    assert speed(execution(DRIVER, WORKER), {"driver": 1, "worker": 3}) == 4000
    assert execution(DRIVER, WORKER).full_speed == 5000


def test_without_its_whole_core_it_stands_still():
    assert speed(execution(DRIVER, WORKER), {"worker": 4}) == 0
    assert speed(execution(DRIVER, WORKER), {}) == 0


def test_a_curve_says_what_replicas_are_worth():
    assert [speed(execution(CURVED), {"worker": n}) for n in (1, 2, 4, 5)] == [
        1000,
        1800,
        2700,
        2700,
    ]
    assert execution(DRIVER, CURVED).full_speed == 3700


def test_an_elastic_component_without_replicas_adds_nothing():
    optional = Component(name="helper", core=0, maximum=2, demand=NOTHING, speedup=(500, 700))
    assert speed(execution(DRIVER, optional), {"driver": 1}) == 1000
