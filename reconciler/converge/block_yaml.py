"""Canonical YAML of plain data, written by ourselves: what the library writes, in a tenth of it.

Block style, keys sorted, LF, ASCII only; no anchors. Files of the status branch are made by the
thousand, and the library works out for each string anew how it may stand. What ours doesn't know
for sure it leaves to the library, so the bytes are the same (a test holds them together).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import yaml

_WIDTH = 1000
_LONGEST = 500
"""Of the strings that can't be folded, whatever stands before them in the line."""

_SIMPLE = re.compile(r"[A-Za-z][A-Za-z0-9_./@-]*")
_RESOLVED = re.compile(r"yes|no|true|false|on|off|null", re.IGNORECASE)
# In a hexadecimal number one of these says that it is neither decimal, octal nor binary.
_HEXADECIMAL = re.compile(r"[0-9a-f]*[acdf][0-9a-f]*")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00")
_PLAIN_ASCII = re.compile(r"[ -~]*")


class _NotOurs(Exception):
    """Something that the library has to write."""


def dump(data: Mapping[str, Any]) -> str:
    """Return the YAML of a mapping of strings to JSON data."""
    if not data:
        return "{}\n"
    try:
        return "\n".join(_mapping(data, "")) + "\n"
    except _NotOurs:
        return library_dump(data)


def library_dump(data: object) -> str:
    """Return what the library writes."""
    text: str = yaml.dump(
        data,
        Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper),
        sort_keys=True,
        default_flow_style=False,
        allow_unicode=False,
        width=_WIDTH,
    )
    return text


def _mapping(data: Mapping[str, Any], indent: str) -> Iterator[str]:
    for key in sorted(data):
        value = data[key]
        name = _key(key)
        if isinstance(value, Mapping) and value:
            yield f"{indent}{name}:"
            yield from _mapping(value, indent + "  ")
        elif isinstance(value, (list, tuple)) and value:
            yield f"{indent}{name}:"
            yield from _list(value, indent)  # not indented under its key
        else:
            yield f"{indent}{name}: {_scalar(value)}"


def _list(data: list[Any] | tuple[Any, ...], indent: str) -> Iterator[str]:
    for value in data:
        if isinstance(value, Mapping) and value:
            lines = _mapping(value, indent + "  ")
        elif isinstance(value, (list, tuple)) and value:
            lines = _list(value, indent + "  ")
        else:
            lines = iter((f"{indent}  {_scalar(value)}",))
        yield f"{indent}- {next(lines)[len(indent) + 2 :]}"
        yield from lines


def _scalar(value: object) -> str:
    if isinstance(value, str):
        return _string(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Mapping):
        return "{}"
    if isinstance(value, (list, tuple)):
        return "[]"
    raise _NotOurs


def _key(text: str) -> str:
    if len(text) <= _LONGEST // 5 and _is_simple(text):
        return text
    raise _NotOurs  # it may have to be quoted


def _string(text: str) -> str:
    if len(text) > _LONGEST:
        raise _NotOurs
    if _is_simple(text) or _HEXADECIMAL.fullmatch(text):
        return text
    if _TIME.fullmatch(text):
        return f"'{text}'"
    if not _PLAIN_ASCII.fullmatch(text):
        raise _NotOurs
    return _by_library(text)


def _is_simple(text: str) -> bool:
    return _SIMPLE.fullmatch(text) is not None and not _RESOLVED.fullmatch(text)


@lru_cache(maxsize=1024)
def _by_library(text: str) -> str:
    return library_dump(text).removesuffix("\n").removesuffix("\n...")
