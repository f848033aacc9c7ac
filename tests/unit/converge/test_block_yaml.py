"""Our YAML is the library's, byte for byte: other bytes would write every file anew."""

from __future__ import annotations

import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.converge.block_yaml import dump, library_dump

WORDS = ["yes", "NO", "on", "null", "~", "=", "<<", "", " ", "a: b", "a:b", "-", "- a", "#", "a #b"]
LIKE_NUMBERS = ["1", "0x1f", "0b101", "017", "1e5", "1.5", ".inf", "1:30", "12e3", "0b1e", "1_000"]
TIMES = ["2026-01-01", "2026-01-01T12:00:00+00:00", "2026-01-01T12:00:00.000+00:00"]

texts = st.one_of(
    st.text(max_size=40),
    st.text(alphabet="0123456789abcdef_.:+-exo", max_size=12),
    st.sampled_from([*WORDS, *LIKE_NUMBERS, *TIMES]),
    st.integers(400, 1200).map(lambda length: "words and " * (length // 10)),
)
scalars = st.one_of(st.none(), st.booleans(), st.integers(), texts)
keys = st.one_of(st.from_regex(r"[a-z][A-Za-z0-9_.-]{0,10}", fullmatch=True), texts)
documents = st.dictionaries(
    keys,
    st.recursive(
        scalars,
        lambda inner: st.one_of(st.lists(inner), st.dictionaries(keys, inner)),
        max_leaves=9,
    ),
)


@given(documents)
@example({})
@example({"a": [[], {}, [[1], [2, {"b": [3]}]], {"c": {"d": []}}]})
def test_it_is_what_the_library_writes(data: dict[str, object]) -> None:
    # Without the anchors that the library makes of what is the same object twice.
    copy = yaml.load(library_dump(data), Loader=yaml.CSafeLoader)  # noqa: TID251 - our own
    assert copy == data
    assert dump(copy) == library_dump(copy)
