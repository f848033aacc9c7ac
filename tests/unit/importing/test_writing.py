"""What is written as YAML reads back the same, by our own strict reader."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.importing.naming import COMPONENT_CHARS, Namer, slug
from reconciler.importing.writing import SCHEMA_LINE, to_yaml
from reconciler.manifest import source_map
from reconciler.manifest.characters import FORBIDDEN
from reconciler.manifest.places import is_name

_ODD_TEXTS = (
    *("yes", "null", "1.5", "0440", "a: b", "a #b", "- a", "a\nb\n", "\na", "a\n\n", " a", "a "),
    *(
        "<<",
        "${{ a.b }}",
        "{a}",
        "[a",
        "a:",
        "#",
        "!x",
        "*x",
        "1e3",
        "a\tb",
        "2020-01-01",
        "=",
        "a,",
    ),
)
_TEXTS = st.sampled_from(_ODD_TEXTS) | st.text(max_size=12).filter(
    lambda text: not FORBIDDEN.search(text)
)
_KEYS = _TEXTS.filter(bool)
_VALUES = st.recursive(
    _TEXTS | st.booleans() | st.integers(-(2**40), 2**40) | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(_KEYS, _VALUES, min_size=1, max_size=4))
def test_what_is_written_reads_back_the_same(value: dict[str, Any]):
    text = to_yaml([value])
    reading = source_map.read(text.encode(), file="x")
    assert [item for item in reading.diagnostics if item.is_error] == []
    assert [document.value for document in reading.documents] == [value]


def test_documents_follow_one_another():
    assert to_yaml([{"a": 1}, {"b": [1, {"c": {}}]}]) == (
        SCHEMA_LINE + "a: 1\n---\nb:\n  - 1\n  - {c: {}}\n"
    )


@given(st.text(max_size=60))
def test_every_text_gives_a_name(text: str):
    assert is_name(slug(text, chars=COMPONENT_CHARS, otherwise="x"))


@given(st.lists(st.sampled_from(["a", "A", "a-", "ä", "a" * 30, "a" * 31, "1", "2"]), max_size=8))
def test_different_names_stay_apart_and_the_same_stay_the_same(names: list[str]):
    namer = Namer(chars=COMPONENT_CHARS, otherwise="x")
    given_names = {name: namer.name(name) for name in names}
    assert len(set(given_names.values())) == len(given_names)
    assert all(namer.name(name) == new and is_name(new) for name, new in given_names.items())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Spark master web interface", "spark-master-web"),
        ("Antidisestablishmentarianism", "antidisestablishment"),
        ("Café №7", "cafe-no7"),
        ("", "x"),
    ],
)
def test_names_are_cut_between_words(text: str, expected: str):
    assert slug(text, chars=20, otherwise="x") == expected
