"""A listing that arrives in parts comes to what it is as a whole, or to nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.cluster import items as reading
from reconciler.cluster.items import MIB, Answer, items
from reconciler.errors import ClusterUnavailable

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
LISTINGS = st.lists(st.dictionaries(st.text(), VALUES, max_size=4), max_size=5)


def encoded(listing: object, indent: int | None, *, is_ascii: bool) -> bytes:
    return json.dumps(listing, indent=indent, ensure_ascii=is_ascii).encode("utf-8", "replace")


def cut(data: bytes, sizes: list[int]) -> Iterator[bytes]:
    for size in sizes:
        yield data[:size]
        data = data[size:]
    yield data


@given(
    LISTINGS,
    st.sampled_from([None, 0, 3]),
    st.booleans(),
    st.lists(st.integers(0, 20), max_size=40),
)
def test_wherever_it_is_cut_it_is_what_it_is_as_a_whole(
    listing: list[object], indent: int | None, is_ascii: bool, sizes: list[int]
) -> None:
    data = encoded(listing, indent, is_ascii=is_ascii)
    assert list(items(cut(data, sizes))) == json.loads(data)
    assert list(Answer("x", cut(data, sizes)).items()) == json.loads(data)


@given(LISTINGS, st.data())
def test_what_breaks_off_is_no_listing(listing: list[object], data: st.DataObject) -> None:
    whole = encoded(listing, None, is_ascii=True)
    end = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(ValueError, match="breaks off"):
        list(items([whole[:end]]))


@pytest.mark.parametrize(
    "text",
    ["null", "{}", "1", '"x"', "[1]", "[null]", "[{}{}]", "[{},]", "[,{}]", "[]]", "[{}]{}"],
)
def test_what_is_something_else_is_no_listing(text: str) -> None:
    with pytest.raises(ValueError, match="listing"):
        list(items([text.encode()]))


@pytest.mark.parametrize("data", [b'[{"a": tru}]', b'[{"a": "\xff"}]', b"[{'a': 1}]", b"[{]"])
def test_what_is_broken_is_no_listing(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever it says: reading() translates all
        list(items([data]))


def test_an_item_that_never_ends_isnt_gathered_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "ITEM_MOST", 1000)
    read = 0

    def endless() -> Iterator[bytes]:
        nonlocal read
        yield b'[{"a": "'
        while True:
            read += 100
            yield b"x" * 100

    with pytest.raises(ValueError, match="too long"):
        list(items(endless()))
    assert read <= 1200


def test_an_endless_answer_isnt_read_to_its_end() -> None:
    read = 0

    def endless() -> Iterator[bytes]:
        nonlocal read
        while True:
            read += 1
            yield b" " * 100_000

    with pytest.raises(ClusterUnavailable, match=r"more than 1 MiB of services.*remove"):
        Answer("services", endless(), most_bytes=MIB)
    assert read == 11


def test_answers_are_told_apart_by_what_they_say_alone() -> None:
    assert Answer("x", [b"[", b"{}]"]).digest == Answer("x", [b"[{}", b"]"]).digest
    assert Answer("x", [b"[{}]"]).digest != Answer("x", [b"[{} ]"]).digest
