"""What containers consumed between two looks, and whether that is use."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.converge.consumption import CPU_PERCENT, NETWORK_BYTES_S, Consumed, is_use

MINUTE_US = 60_000_000
THEN = Consumed(at_us=1_000, cpu_us=700, network_bytes=50)
CPU_OF_A_MINUTE = MINUTE_US * CPU_PERCENT // 100
BYTES_OF_A_MINUTE = 60 * NETWORK_BYTES_S


def after(cpu_us: int = 0, network_bytes: int = 0) -> Consumed:
    """Return the counters a minute later."""
    return Consumed(
        at_us=THEN.at_us + MINUTE_US,
        cpu_us=THEN.cpu_us + cpu_us,
        network_bytes=THEN.network_bytes + network_bytes,
    )


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (after(), False),
        (after(CPU_OF_A_MINUTE, BYTES_OF_A_MINUTE), False),
        (after(CPU_OF_A_MINUTE + 1), True),
        (after(network_bytes=BYTES_OF_A_MINUTE + 1), True),
        (replace(after(), cpu_us=0), True),
        (replace(after(), network_bytes=0), True),
        (THEN, True),
    ],
    ids=["rest", "at the limit", "cpu", "traffic", "cpu anew", "traffic anew", "no time between"],
)
def test_either_is_use_and_what_cannot_be_compared_is(now: Consumed, expected: bool) -> None:
    assert is_use({"a": THEN}, {"a": now}) is expected


def test_a_container_that_came_is_use_and_one_that_went_is_not() -> None:
    assert is_use({}, {"a": after()})
    assert is_use({"a": THEN}, {"a": after(), "b": after()})
    assert not is_use({"a": THEN, "b": THEN}, {"a": after()})


amounts = st.integers(0, 2 * CPU_OF_A_MINUTE)


@given(st.lists(amounts, min_size=1, max_size=6))
def test_many_containers_count_as_one_that_did_it_all(shares: list[int]) -> None:
    names = [str(number) for number in range(len(shares))]
    looks = {name: after(cpu_us=share) for name, share in zip(names, shares, strict=True)}
    together = is_use(dict.fromkeys(names, THEN), looks)
    # Each is rounded up to a microsecond of a second, so just below the limit either may be said.
    if sum(shares) > CPU_OF_A_MINUTE:
        assert together
    elif sum(shares) < CPU_OF_A_MINUTE - 60 * len(shares):
        assert not together


@given(amounts, amounts)
def test_who_consumes_more_is_no_less_used(one: int, more: int) -> None:
    if is_use({"a": THEN}, {"a": after(cpu_us=one)}):
        assert is_use({"a": THEN}, {"a": after(cpu_us=one + more)})
