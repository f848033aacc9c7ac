"""The canonical form: one text per meaning, and back again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler import canonical


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, kw_only=True)
class Inner:
    name: str
    count: int = 1


@dataclass(frozen=True, kw_only=True)
class Outer:
    colour: Colour
    at: datetime | None = None
    inner: tuple[Inner, ...] = ()
    pair: tuple[str, int] = ("a", 0)
    labels: Mapping[str, str] = field(default_factory=dict)
    tags: frozenset[str] = frozenset()
    flag: bool = False


@dataclass(frozen=True, kw_only=True)
class Grown(Outer):
    """A later version with one more field."""

    added: str = ""


TEXT = st.text(max_size=8)
OUTERS = st.builds(
    Outer,
    colour=st.sampled_from(Colour),
    at=st.none() | st.datetimes(timezones=st.just(UTC)),
    inner=st.lists(st.builds(Inner, name=TEXT, count=st.integers()), max_size=3).map(tuple),
    pair=st.tuples(TEXT, st.integers()),
    labels=st.dictionaries(TEXT, TEXT, max_size=3),
    tags=st.frozensets(TEXT, max_size=3),
    flag=st.booleans(),
)


@given(OUTERS)
def test_what_is_written_is_read_back(value: Outer) -> None:
    assert canonical.loads(Outer, canonical.dumps(value)) == value


@given(OUTERS)
def test_a_new_field_at_its_default_changes_no_digest(value: Outer) -> None:
    assert canonical.digest(Grown(**vars(value))) == canonical.digest(value)


@given(OUTERS, OUTERS)
def test_digests_are_equal_exactly_where_values_are(left: Outer, right: Outer) -> None:
    assert (canonical.digest(left) == canonical.digest(right)) is (left == right)


def test_the_order_of_keys_and_members_says_nothing() -> None:
    one = Outer(colour=Colour.RED, labels={"a": "1", "b": "2"}, tags=frozenset("xyz"))
    two = Outer(colour=Colour.RED, labels={"b": "2", "a": "1"}, tags=frozenset("zyx"))
    assert canonical.dumps(one) == canonical.dumps(two)
    assert canonical.dumps(one).isascii()


def test_unknown_fields_of_a_later_version_are_ignored() -> None:
    assert canonical.from_data(Inner, {"name": "a", "later": 1}) == Inner(name="a")


@pytest.mark.parametrize("value", [1.5, object(), b"x", {"a": 1.5}])
def test_floats_and_whatever_has_no_form_are_refused(value: object) -> None:
    with pytest.raises(TypeError):
        canonical.dumps(value)


@pytest.mark.parametrize(
    "data", [{}, {"name": 1}, {"name": "a", "count": True}, {"name": "a", "count": "1"}, []]
)
def test_data_of_another_shape_is_refused(data: object) -> None:
    with pytest.raises((TypeError, KeyError, ValueError)):
        canonical.from_data(Inner, data)
