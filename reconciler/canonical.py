"""Canonical JSON of frozen data classes, and back. The only hash of meaning in the project.

Canonical: keys sorted, no blanks, ASCII, fields at their default left out, tuples as lists,
integers only. So adding a field with a default to a type changes no hash of what is stored.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import types
import typing
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any, TypeVar, cast

T = TypeVar("T")


def to_data(value: object) -> Any:
    """Return ``value`` as plain JSON data; data class fields at their default are left out."""
    # Nearly all that there is, without asking a dozen times what it is.
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is tuple:
        return [to_data(item) for item in cast("tuple[object, ...]", value)]
    if (shape := _SHAPES.get(kind)) is not None:
        return {
            name: item if type(item) in _PLAIN else to_data(item)
            for name, default in shape
            if (item := getattr(value, name)) is not default and item != default
        }
    match value:
        case Enum():
            return value.value
        case None | bool() | int() | str():
            return value
        case datetime():
            return value.isoformat()
        case Mapping():
            return {str(key): to_data(item) for key, item in value.items()}
        case tuple() | list():
            return [to_data(item) for item in value]
        case frozenset() | set():
            return sorted(to_data(item) for item in value)
        case _:
            pass
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        _SHAPES[kind] = _shape(kind)
        return to_data(value)
    raise TypeError(f"no canonical form for {type(value).__name__}")


def from_data(kind: type[T], data: object, *, key: Callable[[str], str] = str) -> T:
    """Return ``data`` as ``kind``; fields that it doesn't have take their default.

    Unknown fields are ignored, so that an older version can read what a newer one wrote. ``key``
    says what a field is called in the data.

    Raises:
        TypeError, ValueError, KeyError: The data doesn't have that shape.
    """
    return cast("T", _build(kind, data, key))


def dumps(value: object) -> str:
    """Return the canonical JSON text of ``value``."""
    return text(to_data(value))


def text(data: object) -> str:
    """Return the canonical JSON text of what is plain JSON data already; else of parts of it."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False, default=to_data)


def loads(kind: type[T], text: str) -> T:
    """Return the ``kind`` that :func:`dumps` wrote."""
    return from_data(kind, json.loads(text))


def digest(value: object) -> str:
    """Return the sha256 (hex) of the canonical JSON of ``value``."""
    return hashlib.sha256(dumps(value).encode()).hexdigest()


_MISSING = object()
_PLAIN = frozenset({str, int, bool, type(None)})
_SHAPES: dict[type, tuple[tuple[str, object], ...]] = {}
"""The shapes of data classes that were met: none of them is an Enum or a Mapping."""


def _shape(kind: Any) -> tuple[tuple[str, object], ...]:
    """Return the fields of a data class with their defaults, which are only compared with."""
    return tuple((field.name, _default(field)) for field in dataclasses.fields(kind))


def _default(field: dataclasses.Field[Any]) -> object:
    if field.default is not dataclasses.MISSING:
        return field.default
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return _MISSING


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _build(kind: Any, data: Any, key: Callable[[str], str]) -> Any:
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        hints = _hints(kind)
        return kind(
            **{
                field.name: _build(hints[field.name], data[name], key)
                for field in dataclasses.fields(kind)
                if (name := key(field.name)) in data
            }
        )
    if kind is Any:  # plain data, whatever its shape
        return data
    origin = typing.get_origin(kind)
    if origin in (types.UnionType, typing.Union):
        if data is None:
            return None
        (inner,) = (arm for arm in typing.get_args(kind) if arm is not type(None))
        return _build(inner, data, key)
    if origin is tuple:
        return _build_tuple(typing.get_args(kind), data, key)
    if origin is frozenset:
        (inner,) = typing.get_args(kind)
        return frozenset(_build(inner, item, key) for item in data)
    if origin in (dict, Mapping):
        _, inner = typing.get_args(kind)
        return {name: _build(inner, item, key) for name, item in data.items()}
    if isinstance(kind, typing.NewType):
        return _build(kind.__supertype__, data, key)
    if kind is datetime:
        return datetime.fromisoformat(data)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(data)
    if not isinstance(data, kind) or (kind is int and isinstance(data, bool)):
        raise TypeError(f"{kind.__name__} expected, not {type(data).__name__}")
    return data


def _build_tuple(arms: tuple[Any, ...], data: Any, key: Callable[[str], str]) -> tuple[Any, ...]:
    if len(arms) == 2 and arms[1] is Ellipsis:
        return tuple(_build(arms[0], item, key) for item in data)
    return tuple(_build(arm, item, key) for arm, item in zip(arms, data, strict=True))
