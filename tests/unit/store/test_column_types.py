from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects.sqlite import dialect

from reconciler.store.column_types import Shared, dump_json, storable

# Every code point there is, lone surrogates and NUL too.
any_text = st.text(st.characters(codec=None, categories=None))
any_data = st.recursive(
    st.none() | st.booleans() | st.integers() | any_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(any_text, inner, max_size=4),
    max_leaves=20,
)


def is_storable(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= char <= "\udfff" for char in text)


@given(any_text)
def test_storable_text_is_accepted_everywhere_and_left_alone(text: str) -> None:
    stored = storable(text)
    assert is_storable(stored)
    assert len(stored) == len(text)
    assert stored == text or not is_storable(text)


@given(any_data)
def test_json_holds_nothing_that_a_database_refuses(data: Any) -> None:
    # Loaded and written without escapes, every character shows.
    assert is_storable(json.dumps(json.loads(dump_json(data)), ensure_ascii=False))


@given(any_data)
def test_clean_json_comes_back_as_it_was(data: Any) -> None:
    clean = json.loads(dump_json(data))
    assert json.loads(dump_json(clean)) == clean


@given(st.dictionaries(any_text, st.integers()))
def test_json_doesnt_depend_on_the_order_of_keys(data: dict[str, int]) -> None:
    assert dump_json(data) == dump_json(dict(reversed(data.items())))


@given(any_text)
def test_text_of_many_rows_is_one_object(text: str) -> None:
    rows = ["".join(list(text)) for _ in range(2)]
    one, other = (Shared().process_result_value(row, dialect()) for row in rows)
    assert one == text
    assert one is other
