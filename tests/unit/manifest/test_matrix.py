"""Combinations of a matrix, against a reference written as GitHub's documentation tells it."""

from __future__ import annotations

from itertools import product
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reconciler.manifest.matrix import combinations, size

AXES = st.dictionaries(
    st.sampled_from("abc"), st.lists(st.integers(0, 2), min_size=1, max_size=3, unique=True)
)
ENTRIES = st.lists(
    st.dictionaries(st.sampled_from("abcde"), st.integers(0, 3), min_size=1, max_size=3),
    max_size=4,
)


def reference(axes: dict[str, list[int]], include: list[Any], exclude: list[Any]) -> list[Any]:
    """For each entry, for each combination: may it be added without overwriting an original?"""
    originals = [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]
    originals = [] if not axes else originals
    kept = [
        (original, dict(original))
        for original in originals
        if not any(all(original.get(k) == v for k, v in entry.items()) for entry in exclude)
    ]
    extra = []
    for entry in include:
        is_added = False
        for original, current in kept:
            if all(original[key] == value for key, value in entry.items() if key in original):
                current.update(entry)
                is_added = True
        if not is_added:
            extra.append(dict(entry))
    return [current for _, current in kept] + extra


@given(AXES, ENTRIES, ENTRIES)
def test_include_and_exclude_are_as_documented(axes, include, exclude):
    matrix = {**axes, "include": include, "exclude": exclude}
    found = combinations(matrix)
    assert [dict(one.values) for one in found] == reference(axes, include, exclude)
    assert len(found) <= size(matrix)


def test_what_include_adds_changes_no_key():
    plain = combinations({"a": [1, 2]})
    more = combinations({"a": [1, 2], "include": [{"a": 2, "big": True}, {"a": 3, "big": False}]})
    assert [one.named_by for one in more] == [*(one.named_by for one in plain), (3, False)]


def test_size_is_known_without_making_anything():
    axis = list(range(100))
    assert size(dict.fromkeys("abcde", axis)) == 100**5
