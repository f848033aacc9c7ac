"""Lists that are far too long: said at once, without comparing each item with all others."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from reconciler.manifest.schema import published
from reconciler.manifest.validate import check_raw


class Compared(str):  # noqa: SLOT000 - thrown away after the test
    """An item of a manifest that nobody may compare: of many that is a minute's work."""

    def __eq__(self, other: object) -> bool:
        raise AssertionError("compared")

    __hash__ = str.__hash__


def namespace(items: Sequence[Compared]) -> dict[str, object]:
    return {
        "apiVersion": "zoe/v1",
        "kind": "Namespace",
        "metadata": {"name": "aml"},
        "spec": {"secrets": items},
    }


def test_the_screen_refuses_a_long_list_before_it_compares_items() -> None:
    too_many = [Compared(f"a{number}") for number in range(1000)]
    assert not published().admits("Namespace", namespace(too_many))


def test_the_report_on_a_long_list_compares_no_items() -> None:
    found = check_raw("Namespace", namespace([Compared(f"a{number}") for number in range(1000)]))
    assert "TooMany" in {problem.code for problem in found}


def test_every_list_of_different_items_has_a_length() -> None:
    """Else comparing them has no bound."""
    unbounded = [
        path
        for path, schema in _schemas(published().document, "")
        if schema.get("uniqueItems") and "maxItems" not in schema
    ]
    assert unbounded == []


@pytest.mark.parametrize("twice", [["a", "b", "a"], [{"a": 1}, 2, {"a": 1}]])
def test_a_short_list_is_still_compared(twice: list[object]) -> None:
    document = namespace([])
    document["spec"] = {"secrets": twice}
    assert "Duplicate" in {problem.code for problem in check_raw("Namespace", document)}


def _schemas(node: object, path: str) -> list[tuple[str, dict[str, object]]]:
    if isinstance(node, list):
        return [found for item in node for found in _schemas(item, path)]
    if not isinstance(node, dict):
        return []
    below = [found for key, part in node.items() for found in _schemas(part, f"{path}/{key}")]
    return [(path, node), *below]
