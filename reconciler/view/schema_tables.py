"""The schema of manifests as tables that people read: one per kind, one line per field."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from reconciler.manifest.schema import strict

Node = Mapping[str, Any]

_REF = "#/$defs/"
_DEFAULT = re.compile(r"\b[Dd]efault\b(?:,[^:.]*(?=:))?:? (?P<value>.+?)(?=[;:]|\.(?:\s|$)|$)")
_BY_DEFAULT = re.compile(r"\b(?P<value>\w+) \(default\)")
_WORDS = {
    "cpus": "number of CPUs",
    "memory": "amount of memory",
    "duration": "length of time",
    "timestamp": "moment with its offset",
    "timezone": "time zone",
    "cron": "five cron fields",
    "percentage": "per cent, 0 to 100",
    "image": "image reference",
    "name": "name",
    "componentName": "name",
    "value": "value",
    "scalar": "single value",
}
_TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "object": "mapping",
    "array": "list",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldLine:
    """A field of the schema: its path, what it takes, its default."""

    path: str
    type: str
    told: str
    default: str = ""
    is_required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class KindView:
    """A kind of document, with its fields in their order."""

    kind: str
    told: str
    fields: tuple[FieldLine, ...]


@cache
def kinds() -> tuple[KindView, ...]:
    """Return every kind of document with its fields, in the schema's order.

    What may be written as an expression is shown as the value that it must come to.
    """
    document = strict().document
    definitions = document["$defs"]
    names = [arm["$ref"].removeprefix(_REF) for arm in document["oneOf"]]
    return tuple(_kind(name, definitions) for name in names)


def _kind(name: str, definitions: Node) -> KindView:
    node = definitions[name]
    fields = tuple(_fields("", node, definitions))
    return KindView(kind=name, told=node["description"], fields=fields)


def _fields(path: str, node: Node, definitions: Node) -> Iterator[FieldLine]:
    """Yield the fields below a node, each before those within it."""
    for arm in _arms(node, definitions):
        required = arm.get("required", ())
        for key, value in arm.get("properties", {}).items():
            place = f"{path}.{key}" if path else key
            yield _line(place, value, definitions, is_required=key in required)
            yield from _fields(place, value, definitions)
        if isinstance(items := arm.get("items"), dict):
            yield from _fields(f"{path}[]", items, definitions)
        if isinstance(others := arm.get("additionalProperties"), dict):
            yield from _fields(f"{path}.*", others, definitions)


def _line(path: str, node: Node, definitions: Node, *, is_required: bool) -> FieldLine:
    told = node.get("description") or _resolved(node, definitions).get("description", "")
    found = _DEFAULT.search(told) or _BY_DEFAULT.search(told)
    return FieldLine(
        path=path,
        type=_type(node, definitions),
        told=told,
        default=found["value"] if found else "",
        is_required=is_required,
    )


def _type(node: Node, definitions: Node) -> str:
    """Return what a field takes, in words."""
    name = node.get("$ref", "").removeprefix(_REF)
    if name in _WORDS:
        return _WORDS[name]
    node = _resolved(node, definitions)
    if "const" in node:
        return str(node["const"])
    if "enum" in node:
        return f"one of {', '.join(map(str, node['enum']))}"
    if "anyOf" in node:
        return " or ".join(dict.fromkeys(_type(arm, definitions) for arm in node["anyOf"]))
    kind = node.get("type", "")
    if kind == "array" and "items" in node:
        return f"list of {_plain(_type(node['items'], definitions))}"
    if kind == "object" and isinstance(others := node.get("additionalProperties"), dict):
        return f"mapping of names to {_plain(_type(others, definitions))}"
    return _TYPES.get(kind, "value") + _bounds(node)


def _plain(type_: str) -> str:
    """Return a type as it is said within another."""
    return f"({type_})" if " or " in type_ or "," in type_ else type_


def _bounds(node: Node) -> str:
    least, most = node.get("minimum"), node.get("maximum")
    if least is not None and most is not None:
        return f", {least} to {most}"
    if least is not None:
        return f", {least} or more"
    return "" if most is None else f", {most} or less"


def _resolved(node: Node, definitions: Node) -> Node:
    while "$ref" in node:
        node = definitions[node["$ref"].removeprefix(_REF)]
    return node


def _arms(node: Node, definitions: Node) -> Iterator[Node]:
    node = _resolved(node, definitions)
    if "anyOf" not in node:
        yield node
    for arm in node.get("anyOf", ()):
        yield from _arms(arm, definitions)
