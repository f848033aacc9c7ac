"""Gateways: who gets one, where, at which port, and that nobody's moves for another."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from reconciler.converge.gateway import allotted
from reconciler.converge.host import Gateways

RANGE = Gateways(image="gateway", first_port=31000, last_port=31019)
NAMES = st.sets(st.from_regex(r"[a-z]{1,6}", fullmatch=True), max_size=8)
PORTS = st.sets(st.integers(31000, 31019), max_size=6)


@given(NAMES, NAMES, PORTS)
def test_no_two_namespaces_share_a_port_and_all_are_of_the_range(
    some: set[str], others: set[str], taken: set[int]
) -> None:
    first = allotted(some, {}, RANGE, taken=taken)
    both = allotted(some | others, first, RANGE, taken=taken)
    held = [port + n for port in both.values() for n in (0, 1)]
    assert len(held) == len(set(held))
    assert not set(held) & taken
    assert all(31000 <= port <= 31019 for port in held)
    assert {name: both[name] for name in first} == first


@given(NAMES)
def test_who_is_forgotten_gets_the_same_port_again_if_it_is_free(names: set[str]) -> None:
    before = allotted(names, {}, RANGE, taken=())
    for name in names & before.keys():
        rest = {other: port for other, port in before.items() if other != name}
        alone = allotted({name}, {}, RANGE, taken=())[name]
        if alone not in rest.values():
            assert allotted({name}, rest, RANGE, taken=())[name] == alone


def test_who_finds_no_port_gets_none() -> None:
    names = {f"n{number}" for number in range(11)}
    assert len(allotted(names, {}, RANGE, taken=())) == 10
    assert allotted({"a"}, {}, replace(RANGE, last_port=RANGE.first_port), taken=()) == {}


def test_a_port_that_left_the_range_is_given_up() -> None:
    assert allotted({"a"}, {"a": 30998}, RANGE, taken=())["a"] >= 31000
