"""A quick yes or no on the subset of JSON Schema that our schema uses.

Almost every manifest is valid, and a general validator is some twenty times slower at saying so:
it is asked only for the report on those that aren't. A property test keeps the two agreeing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache
from typing import Any

Check = Callable[[Any], bool]

ANNOTATIONS = frozenset({"description", "title", "x-message", "x-remedy", "x-quantity"})


@cache
def compile_pattern(pattern: str) -> re.Pattern[str]:
    r"""Return a pattern as ECMA 262 means it: ``$`` matches at the very end only.

    Python's also matches before a last line feed, which let ``name\n`` through as a name.
    """
    if pattern.endswith("$") and not pattern.endswith("\\$"):
        pattern = pattern[:-1] + r"\Z"
    return re.compile(pattern)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, Decimal)) and not isinstance(value, bool)


_TYPES: Mapping[str, Check] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": _is_number,
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
}


def _cost(keyword: str) -> int:
    """Rank what is checked first: the type spares the other checks most values.

    Comparing each item with all others comes last: of a list that is far too long it takes seconds.
    """
    return {"type": 0, "uniqueItems": 2}.get(keyword, 1)


def _same(left: object, right: object) -> bool:
    return left == right and isinstance(left, bool) == isinstance(right, bool)


class Screen:
    """The definitions of a bundled schema as functions."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._definitions = document["$defs"]
        self._checks: dict[str, Check] = {}

    def admits(self, definition: str, value: object) -> bool:
        """Tell whether ``value`` is valid against ``#/$defs/<definition>``."""
        return self._named(definition)(value)

    def _named(self, name: str) -> Check:
        if name not in self._checks:
            self._checks[name] = self._compile(self._definitions[name])
        return self._checks[name]

    def _compile(self, schema: Any) -> Check:
        if isinstance(schema, bool):
            return lambda _: schema
        keywords = sorted(schema.keys() - ANNOTATIONS, key=_cost)
        found = (self._keyword(keyword, schema) for keyword in keywords)
        return _all_of([check for check in found if check is not None])

    def _keyword(self, keyword: str, schema: Mapping[str, Any]) -> Check | None:
        argument = schema[keyword]
        match keyword:
            case "type":
                return _TYPES[argument]
            case "$ref":
                return self._named(argument.removeprefix("#/$defs/"))
            case "const":
                return lambda value: _same(value, argument)
            case "enum":
                return lambda value: any(_same(value, choice) for choice in argument)
            case "anyOf":
                return _any_of([self._compile(arm) for arm in argument])
            case "required":
                return lambda value: (
                    not isinstance(value, dict) or all(key in value for key in argument)
                )
            case "properties":
                return self._properties(schema)
            case "additionalProperties":
                return None if "properties" in schema else self._properties(schema)
            case "propertyNames":
                named = self._compile(argument)
                return lambda value: not isinstance(value, dict) or all(map(named, value))
            case "items":
                item = self._compile(argument)
                return lambda value: not isinstance(value, list) or all(map(item, value))
            case _:
                return _BOUNDS[keyword](argument)

    def _properties(self, schema: Mapping[str, Any]) -> Check:
        parts = schema.get("properties", {})
        other = self._compile(schema.get("additionalProperties", True))
        named: dict[str, Check] = {}

        def check(value: Any) -> bool:
            if isinstance(value, dict):
                for key, item in value.items():
                    if key not in parts:
                        found = other
                    elif (known := named.get(key)) is None:
                        # With the first one: a file has few of all the keys that there are.
                        found = named[key] = self._compile(parts[key])
                    else:
                        found = known
                    if not found(item):
                        return False
            return True

        return check


# Written out as loops: these run for every value of every manifest, and all() with a generator
# takes twice as long.


def _all_of(checks: list[Check]) -> Check:
    if len(checks) == 1:
        return checks[0]

    def check_all(value: Any) -> bool:
        for check in checks:  # noqa: SIM110 - see above
            if not check(value):
                return False
        return True

    return check_all


def _any_of(checks: list[Check]) -> Check:
    def check_any(value: Any) -> bool:
        for check in checks:  # noqa: SIM110 - see above
            if check(value):
                return True
        return False

    return check_any


def _pattern(pattern: str) -> Check:
    return lambda value: (
        not isinstance(value, str) or compile_pattern(pattern).search(value) is not None
    )


def _unique(is_wanted: bool) -> Check:
    def check(value: Any) -> bool:
        if not is_wanted or not isinstance(value, list):
            return True
        return not any(
            _same(item, other) for index, item in enumerate(value) for other in value[:index]
        )

    return check


_BOUNDS: Mapping[str, Callable[[Any], Check]] = {
    "pattern": _pattern,
    "uniqueItems": _unique,
    "minimum": lambda least: lambda value: not _is_number(value) or value >= least,
    "maximum": lambda most: lambda value: not _is_number(value) or value <= most,
    "minLength": lambda least: lambda value: not isinstance(value, str) or len(value) >= least,
    "maxLength": lambda most: lambda value: not isinstance(value, str) or len(value) <= most,
    "minItems": lambda least: lambda value: not isinstance(value, list) or len(value) >= least,
    "maxItems": lambda most: lambda value: not isinstance(value, list) or len(value) <= most,
    "minProperties": lambda least: lambda value: not isinstance(value, dict) or len(value) >= least,
    "maxProperties": lambda most: lambda value: not isinstance(value, dict) or len(value) <= most,
}

KEYWORDS = frozenset(
    {
        *_BOUNDS,
        *ANNOTATIONS,
        "type",
        "$ref",
        "const",
        "enum",
        "anyOf",
        "required",
        "properties",
        "additionalProperties",
        "propertyNames",
        "items",
    }
)
