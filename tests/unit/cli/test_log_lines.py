"""Lines of logs that are looked at again and again, each printed once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reconciler.cli.log_lines import Lines, added
from reconciler.view.execution import Log

AT = datetime(2026, 11, 22, tzinfo=UTC)


def log(text: str, component: str = "a", node: str = "n1", **fields: Any) -> Log:
    return Log(component=component, node=node, text=text, at=AT, **fields)


@given(st.lists(st.sampled_from("ab"), max_size=8), st.lists(st.integers()), st.integers(0, 8))
def test_what_was_printed_and_what_is_added_are_the_whole(
    before: list[str], more: list[int], dropped: int
):
    """New lines that are unlike the old ones come once, however many old ones have gone."""
    new = [f"n{number}" for number in more]
    gone = min(dropped, max(0, len(before) - 1))
    assert list(added(before, [*before[gone:], *new])) == new


def test_attempts_of_one_component_on_several_nodes_need_no_prefix():
    lines = Lines(component="", tail=10)
    found = [log("1", attempt=1), log("2", node="n2", attempt=2), log("3", node="n3")]
    assert list(lines.new(found)) == ["1", "2", "3"]


def test_replicas_on_several_nodes_and_several_components_are_told_apart():
    lines = Lines(component="", tail=10)
    found = [log("1"), log("2", node="n2"), log("3", component="b")]
    assert list(lines.new(found)) == ["a on n1 | 1", "a on n2 | 2", "b | 3"]


def test_what_ran_and_then_ended_isnt_told_again():
    lines = Lines(component="", tail=10)
    assert list(lines.new([log("1\n2")])) == ["1", "2"]
    assert list(lines.new([log("2\n3", attempt=1)])) == ["3"]
    assert list(lines.new([log("2\n3", attempt=1), log("1\n2")])) == ["1", "2"]
