"""The published schema: a contract that editors, our screen and a general validator read alike."""

from __future__ import annotations

import copy
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import referencing
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.cli.init import SCHEMA_FILE, editor_schema
from reconciler.manifest import schema, source_map
from reconciler.manifest.diagnostic import Path as ValuePath
from reconciler.manifest.scalars import Number
from reconciler.manifest.screen import KEYWORDS, compile_pattern
from reconciler.manifest.validate import check_raw
from tests.repositories import EXAMPLE, Repository

PUBLISHED = schema.published()


def subschemas(node: Any, path: ValuePath = ()) -> Iterator[tuple[ValuePath, dict[str, Any]]]:
    """Yield every schema in a schema, but not the maps from names to schemas."""
    if not isinstance(node, dict):
        return
    yield path, node
    for keyword in ("items", "propertyNames", "additionalProperties"):
        yield from subschemas(node.get(keyword), (*path, keyword))
    for keyword in ("anyOf", "oneOf", "allOf"):
        for index, arm in enumerate(node.get(keyword, ())):
            yield from subschemas(arm, (*path, keyword, index))
    for keyword in ("properties", "$defs"):
        for name, part in node.get(keyword, {}).items():
            yield from subschemas(part, (*path, keyword, name))


ALL = list(subschemas(PUBLISHED.document))
IN_DEFINITIONS = [(path, node) for path, node in ALL if path]


def test_it_is_a_valid_schema_of_both_drafts():
    jsonschema.Draft202012Validator.check_schema(PUBLISHED.document)
    jsonschema.Draft7Validator.check_schema(schema.draft7(PUBLISHED.document))
    jsonschema.Draft202012Validator.check_schema(schema.strict().document)


def test_it_uses_no_keyword_that_the_screen_does_not_know():
    for path, node in IN_DEFINITIONS:
        if path[0] == "$defs":
            assert node.keys() <= KEYWORDS, path


def test_objects_are_closed_and_everything_is_bounded():
    for path, node in IN_DEFINITIONS:
        match node.get("type"):
            case "object":
                assert "additionalProperties" in node, path
                assert node["additionalProperties"] is False or "maxProperties" in node, path
            case "string":
                assert "maxLength" in node, path
            case "array":
                assert "maxItems" in node, path
            case "integer":
                assert {"minimum", "maximum"} <= node.keys(), path


def test_every_property_says_what_it_does():
    for path, node in IN_DEFINITIONS:
        for name, part in node.get("properties", {}).items():
            if "$ref" in part and "description" not in part:
                part = PUBLISHED.definitions[part["$ref"].removeprefix("#/$defs/")]
            assert part.get("description", "").endswith((".", ":")), (path, name)


def test_patterns_are_anchored_and_come_with_words():
    for path, node in IN_DEFINITIONS:
        pattern = node.get("pattern")
        if pattern is None or path[:2] == ("$defs", "expression"):
            continue
        assert pattern.startswith("^"), path
        assert pattern.endswith(("$", "=")), path
        assert "x-message" in node, path
        assert "x-remedy" in node, path


HOSTILE = ["a" * 4000, "a-" * 2000, "a" * 3999 + "!", "1" * 4000, "." * 4000, "-" * 4000 + "\n"]


@pytest.mark.parametrize(
    "pattern", sorted({node["pattern"] for _, node in ALL if "pattern" in node})
)
def test_patterns_are_quick_on_hostile_text(pattern: str):
    assert not re.search(r"[+*]\)[+*{]", pattern), "a nested quantifier"
    compiled = compile_pattern(pattern)
    started = time.process_time()
    for text in HOSTILE:
        compiled.search(text)
    assert time.process_time() - started < 0.5


def test_dollar_does_not_match_before_a_last_line_feed():
    assert compile_pattern("^[a-z]+$").search("name")
    assert not compile_pattern("^[a-z]+$").search("name\n")
    document = valid_execution()
    document["metadata"]["name"] = "name\n"
    assert [problem.path for problem in check_raw("Execution", document)] == [("metadata", "name")]


def test_strict_form_has_no_expression_anywhere():
    assert "expression" not in json.dumps(schema.strict().definitions["Execution"])
    for _, node in subschemas(schema.strict().document):
        assert schema.EXPRESSION not in node.get("anyOf", ())


def test_the_template_of_a_set_is_the_spec_of_an_execution_with_expressions():
    """After a change of either, write what ``with_expressions`` returns into the schema."""
    of_execution = PUBLISHED.definitions["Execution"]["properties"]["spec"]
    expected = schema.with_expressions(of_execution, PUBLISHED.definitions)
    described = {"description": PUBLISHED.definitions["templateSpec"]["description"]}
    assert PUBLISHED.definitions["templateSpec"] == {**expected, **described}


def test_editor_schema_in_the_example_is_the_generated_one():
    is_current = (EXAMPLE / SCHEMA_FILE).read_text(encoding="utf-8") == editor_schema()
    assert is_current, "make schema"


def test_editor_schema_agrees_with_ours_on_the_examples():
    twin = jsonschema.Draft7Validator(json.loads(editor_schema()), registry=referencing.Registry())
    for path, data in Repository.example().files.items():
        if path.endswith(".yaml"):
            for document in source_map.read(data, file=path).documents:
                assert list(twin.iter_errors(document.value)) == [], path


def test_nothing_is_ever_fetched(monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a connection")

    monkeypatch.setattr("socket.socket.connect", refuse)
    assert check_raw("Execution", {"spec": {"$ref": "http://localhost/x"}})


def valid_execution() -> dict[str, Any]:
    data = (EXAMPLE / "executions/aml/train.yaml").read_bytes()
    value: dict[str, Any] = source_map.read(data, file="x").documents[1].value
    return value


def general(definition: str, value: object) -> bool:
    """Ask the general validator."""
    document = {"$ref": f"#/$defs/{definition}", "$defs": PUBLISHED.definitions}

    def pattern(_: object, expected: str, instance: object, __: object) -> Iterator[Any]:
        if isinstance(instance, str) and not compile_pattern(expected).search(instance):
            yield jsonschema.ValidationError("no match")

    extend: Any = jsonschema.validators.extend
    kind = extend(jsonschema.Draft202012Validator, {"pattern": pattern})
    return bool(kind(document, registry=referencing.Registry()).is_valid(value))


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 70_000),
    st.sampled_from(
        ["x", "", "2GiB", "512M", "10s", "a\n", "/x", "${{ y }}", "busybox", "auto", "S"]
    ),
    st.sampled_from([Number("1.5"), Number("-0.1"), Number("1.0")]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "core", "max", "cpus", "x", "source"]), inner)
    ),
    max_leaves=6,
)


def places(value: Any, path: ValuePath = ()) -> Iterator[ValuePath]:
    yield path
    items = value.items() if isinstance(value, dict) else ()
    items = enumerate(value) if isinstance(value, list) else items
    for key, item in items:
        yield from places(item, (*path, key))


SAMPLES = [
    (document.value["kind"], document.value)
    for path, data in sorted(Repository.example().files.items())
    if path.endswith(".yaml")
    for document in source_map.read(data, file=path).documents
]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_screen_and_general_validator_agree_on_mutated_manifests(data: st.DataObject):
    kind, original = data.draw(st.sampled_from(SAMPLES))
    value = copy.deepcopy(original)
    path = data.draw(st.sampled_from([place for place in places(value) if place]))
    target: Any = value
    for part in path[:-1]:
        target = target[part]
    target[path[-1]] = data.draw(VALUES)
    if data.draw(st.booleans()) and isinstance(target, dict):
        target[data.draw(st.sampled_from(["name", "x", "image", "type"]))] = data.draw(VALUES)
    is_valid = PUBLISHED.admits(kind, value)
    assert is_valid == general(kind, value)
    problems = check_raw(kind, value)
    assert bool(problems) != is_valid
    assert all(problem.remedy for problem in problems)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(PUBLISHED.definitions)), VALUES)
def test_screen_and_general_validator_agree_on_any_value(definition: str, value: object):
    assert PUBLISHED.admits(definition, value) == general(definition, value)


def test_schema_is_found_in_the_checkout():
    assert schema.schema_text() == (
        Path(__file__).parents[3] / "schema" / "v1" / "manifest.schema.json"
    ).read_text(encoding="utf-8")
