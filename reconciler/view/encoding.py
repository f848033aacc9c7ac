"""Views as JSON and back: fields in camelCase, times as instants, what is None left out."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any, TypeVar

from reconciler import canonical
from reconciler.view.words import instant

T = TypeVar("T")


def to_json(value: object) -> Any:
    """Return a view as JSON data."""
    match value:
        case Enum():
            return value.value
        case None | bool() | int() | float() | str():
            return value
        case datetime():
            return instant(value)
        case Mapping():
            return {str(key): to_json(item) for key, item in value.items()}
        case tuple() | list():
            return [to_json(item) for item in value]
        case _:
            pass
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            camel(field.name): to_json(item)
            for field in dataclasses.fields(value)
            if (item := getattr(value, field.name)) is not None
        }
    raise TypeError(f"no JSON for {type(value).__name__}")


def from_json(kind: type[T], data: object) -> T:
    """Return the view that :func:`to_json` wrote; unknown fields are ignored.

    Raises:
        TypeError, ValueError, KeyError: The data doesn't have that shape.
    """
    return canonical.from_data(kind, data, key=camel)


@cache
def camel(name: str) -> str:
    """Return a field's name in JSON: ``queued_at`` is ``queuedAt``."""
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)
