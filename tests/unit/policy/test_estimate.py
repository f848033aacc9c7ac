"""How long the next run is expected to take."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.estimate import ENOUGH, HINTS_MS, NEWEST, estimate
from policy.model.execution import EstimateBasis

SAMPLES = st.lists(st.integers(1, 10**9), max_size=80)
HINTS = st.sampled_from([None, *HINTS_MS.values()])


def test_nothing_is_known_of_nothing() -> None:
    assert estimate((), None) is None


def test_a_hint_alone_is_taken_for_a_wide_guess() -> None:
    found = estimate((), HINTS_MS["M"])
    assert found is not None
    assert (found.basis, found.samples) == (EstimateBasis.HINT, 0)
    assert (found.low_ms, found.typical_ms, found.high_ms) == (900_000, 3_600_000, 14_400_000)


def test_history_beats_the_hint_once_there_is_enough_of_it() -> None:
    found = estimate((10, 20, 30), HINTS_MS["XL"])
    assert found is not None
    assert (found.basis, found.typical_ms, found.samples) == (EstimateBasis.HISTORY, 20, 3)


def test_only_the_newest_samples_count() -> None:
    found = estimate([1] * 100 + [9] * NEWEST, None)
    assert found is not None
    assert (found.low_ms, found.typical_ms, found.high_ms) == (9, 9, 9)


@pytest.mark.parametrize("count", range(1, ENOUGH))
def test_few_samples_without_a_hint_are_better_than_nothing(count: int) -> None:
    found = estimate([100] * count, None)
    assert found is not None
    assert (found.basis, found.typical_ms) == (EstimateBasis.HISTORY, 100)
    assert found.low_ms < 100 < found.high_ms


@given(SAMPLES, HINTS)
def test_the_interval_holds_what_is_typical(samples: list[int], hint: int | None) -> None:
    found = estimate(samples, hint)
    if found is not None:
        assert 0 <= found.low_ms <= found.typical_ms <= found.high_ms


@given(st.lists(st.integers(1, 10**9), min_size=ENOUGH, max_size=NEWEST))
def test_eight_of_ten_samples_lie_within(samples: list[int]) -> None:
    found = estimate(samples, None)
    assert found is not None
    within = sum(found.low_ms <= sample <= found.high_ms for sample in samples)
    assert within * 10 >= len(samples) * 8
