"""The paper's workload: the same for the same seed, and in the proportions that are published."""

from __future__ import annotations

import random
from collections import Counter
from statistics import median

import pytest

from policy.model.resources import Resources
from policy.simulator.application import Application, Kind
from policy.simulator.generator import BURST, GIB, LONGEST_S, Mix, generate
from policy.simulator.load import at_load, offered_permille, window_ms
from tests.workloads import application, cpu


@pytest.fixture(scope="module")
def made() -> list[Application]:
    return generate(5000, random.Random(1), Mix())


def test_the_same_seed_makes_the_same_applications():
    assert generate(50, random.Random(3), Mix()) == generate(50, random.Random(3), Mix())
    assert generate(50, random.Random(3), Mix()) != generate(50, random.Random(4), Mix())


def test_kinds_are_mixed_as_asked():
    made = generate(5000, random.Random(1), Mix(elastic=800, rigid=200))
    kinds = Counter(a.kind for a in made)
    assert kinds[Kind.INTERACTIVE] == 0
    assert kinds[Kind.RIGID] == pytest.approx(1000, rel=0.1)


def test_cores_are_drawn_as_the_authors_drew_them(made: list[Application]):
    cores = Counter(a.execution.components[0].core for a in made if a.kind is Kind.ELASTIC)
    assert set(cores) == {1, 2, 3, 4}
    assert cores[1] == pytest.approx(0.4 * sum(cores.values()), rel=0.1)


def test_shapes_have_the_published_quantiles(made: list[Application]):
    demands = [a.execution.components[0].demand for a in made]
    cpus = sorted(demand.cpu_millis for demand in demands)
    assert median(cpus) == pytest.approx(0.7 * 25, rel=0.1)
    assert cpus[4500] == pytest.approx(0.7 * 780, rel=0.1)
    assert median(d.memory_bytes / GIB for d in demands) == pytest.approx(0.7 * 0.17, rel=0.1)


def test_five_of_any_shape_fit_on_a_node(made: list[Application]):
    node = Resources(cpu_millis=32_000, memory_bytes=128 * GIB)
    assert all((a.execution.components[0].demand * 5).fits_in(node) for a in made)


def test_runtimes_and_bursts(made: list[Application]):
    batch = [a.runtime_ms / 1000 for a in made if a.kind is not Kind.INTERACTIVE and a.runtime_ms]
    assert median(batch) == pytest.approx(6000, rel=0.1)
    assert max(batch) < LONGEST_S
    arrivals = Counter(a.execution.queued_ms for a in made)
    assert set(arrivals.values()) == {BURST}


def test_load_is_set_by_the_time_between_arrivals(made: list[Application]):
    capacity = cpu(3200)
    assert offered_permille(at_load(made, capacity, 900), capacity) == pytest.approx(900, abs=1)


def test_load_keeps_bursts_together():
    burst = [application(f"a{n}", 1, 0, 100) for n in range(3)]
    scaled = at_load([*burst, application("b", 1, 0, 100, at_s=50)], cpu(1), 1000)
    assert window_ms(scaled) == 400_000
    assert {a.execution.queued_ms for a in scaled[:3]} == {0}


def test_without_a_window_load_has_no_meaning():
    burst = [application(f"a{n}", 1, 0, 100) for n in range(3)]
    assert offered_permille(burst, cpu(1)) is None
    assert at_load(burst, cpu(1), 900) == burst
