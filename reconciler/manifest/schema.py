"""The JSON Schema of manifests: where it is found, its strict form, its draft-7 twin.

The published schema admits an expression wherever one may stand; the strict form, derived from
it, admits values only and is what resolved manifests must meet.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from reconciler.manifest.screen import Screen

EXPRESSION = {"$ref": "#/$defs/expression"}
_FILE = Path("v1") / "manifest.schema.json"
_PACKAGE = Path(__file__).resolve().parent.parent


class Schema:
    """A bundled schema with a quick yes or no for each of its definitions."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document = document
        self.definitions: Mapping[str, Any] = document["$defs"]
        self._screen = Screen(document)
        self.admits: Callable[[str, object], bool] = self._screen.admits


def schema_text() -> str:
    """Return the published schema, from the package or else from the checkout."""
    for place in (_PACKAGE / "_schema", _PACKAGE.parent / "schema"):
        if (place / _FILE).is_file():
            return (place / _FILE).read_text(encoding="utf-8")
    raise FileNotFoundError(_FILE)


@cache
def published() -> Schema:
    """Return the schema of manifests as written."""
    return Schema(json.loads(schema_text()))


@cache
def strict() -> Schema:
    """Return the schema of resolved manifests."""
    return Schema(without_expressions(published().document))


def without_expressions(node: Any) -> Any:
    """Return a schema with the arm for expressions taken out of every ``anyOf``."""
    if isinstance(node, list):
        return [without_expressions(item) for item in node]
    if not isinstance(node, dict):
        return node
    plain = {key: without_expressions(value) for key, value in node.items()}
    if EXPRESSION in plain.get("anyOf", ()):
        arms = [arm for arm in plain["anyOf"] if arm != EXPRESSION]
        if len(arms) > 1:
            plain["anyOf"] = arms
        else:
            del plain["anyOf"]
            plain = {**arms[0], **plain}
    return plain


# What stands in these may hold expressions already, where they make sense.
_ADMITTING = frozenset({"services", "value"})


def with_expressions(schema: Any, definitions: Mapping[str, Any]) -> Any:
    """Return a schema that admits an expression in the place of every value that isn't a mapping.

    This is what makes the template of a set out of the spec of an Execution.
    """
    name = str(schema.get("$ref", "")).removeprefix("#/$defs/")
    if name in _ADMITTING:
        return schema
    if not name or _is_composed(definitions[name]):
        return _inner_with_expressions({**definitions.get(name, {}), **schema}, definitions)
    told = {"description": definitions[name]["description"]}
    return _or_expression({**told, **schema})


def _is_composed(schema: Mapping[str, Any]) -> bool:
    return "properties" in schema or "items" in schema or "additionalProperties" in schema


def _inner_with_expressions(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> Any:
    if not _is_composed(schema):
        return schema if EXPRESSION in schema.get("anyOf", ()) else _or_expression(schema)
    admitting = {key: part for key, part in schema.items() if key != "$ref"}
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), Mapping):
            admitting[key] = with_expressions(schema[key], definitions)
    if "properties" in schema:
        admitting["properties"] = {
            key: with_expressions(part, definitions) for key, part in schema["properties"].items()
        }
    return admitting


def _or_expression(schema: Mapping[str, Any]) -> dict[str, Any]:
    plain = {key: part for key, part in schema.items() if key != "description"}
    told = {key: part for key, part in schema.items() if key == "description"}
    return {**told, "anyOf": [plain, EXPRESSION]}


def draft7(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the twin for editors, most of which know JSON Schema up to draft 7.

    All keywords mean the same in both drafts but one: draft 7 ignores whatever stands beside
    ``$ref``, so descriptions there move into an ``allOf``.
    """
    twin: dict[str, Any] = _unshadowed(dict(document))
    twin["$schema"] = "http://json-schema.org/draft-07/schema#"
    return twin


def _unshadowed(node: Any) -> Any:
    if isinstance(node, list):
        return [_unshadowed(item) for item in node]
    if not isinstance(node, dict):
        return node
    plain = {key: _unshadowed(value) for key, value in node.items()}
    if isinstance(plain.get("$ref"), str) and len(plain) > 1:
        plain["allOf"] = [{"$ref": plain.pop("$ref")}]
    return plain
