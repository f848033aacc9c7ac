"""Documents to YAML as people write it: block style, with what is short and flat on one line.

What is written reads back as the same values; tests hold it to that.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from reconciler.manifest import scalars
from reconciler.manifest.diagnostic import Complaint

SCHEMA_LINE = "# yaml-language-server: $schema=../../.zoe/schema/v1/manifest.schema.json\n"
_COLUMNS = 100
_STEP = "  "
# One to a line, however few: they are read and changed one by one.
_ALWAYS_BLOCK = frozenset({"environment", "services", "parameters", "spec", "secrets", "labels"})
_PLAIN = re.compile(r"[A-Za-z0-9_/$.](?:[^\n:#]|:(?! |$)|(?<! )#)*")
_PLAIN_IN_FLOW = re.compile(r"[A-Za-z0-9_/.](?:[A-Za-z0-9_/.=@+-]| (?! )(?=[A-Za-z0-9=]))*")


def to_yaml(documents: Sequence[Mapping[str, Any]]) -> str:
    """Return the text of a file that holds ``documents``."""
    bodies = ["\n".join(_mapping(document, "")) + "\n" for document in documents]
    return SCHEMA_LINE + "---\n".join(bodies)


def _mapping(value: Mapping[str, Any], indent: str) -> Iterator[str]:
    for key, item in value.items():
        yield from _entry(f"{indent}{_key(key)}:", key, item, indent)


def _entry(head: str, key: str, item: Any, indent: str) -> Iterator[str]:
    """Yield the lines of a key and its value."""
    if isinstance(item, Mapping) and item:
        flow = "" if key in _ALWAYS_BLOCK else _flat(item)
        if flow and len(head) + len(flow) < _COLUMNS:
            yield f"{head} {flow}"
            return
        yield head
        yield from _mapping(item, indent + _STEP)
    elif isinstance(item, list) and item:
        flow = _flat(item)
        if flow and len(head) + len(flow) < _COLUMNS:
            yield f"{head} {flow}"
            return
        yield head
        yield from _list(item, indent + _STEP)
    else:
        yield from _scalar_lines(f"{head} ", item, indent + _STEP)


def _list(items: Sequence[Any], indent: str) -> Iterator[str]:
    for item in items:
        if isinstance(item, (Mapping, list)):
            flow = _flow(item)
            if not isinstance(item, Mapping) or len(indent) + len(flow) + 2 < _COLUMNS:
                yield f"{indent}- {flow}"
                continue
            first, *rest = _mapping(item, indent + _STEP)
            yield f"{indent}- {first.lstrip()}"
            yield from rest
        else:
            yield from _scalar_lines(f"{indent}- ", item, indent + _STEP)


def _scalar_lines(head: str, value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, str) and _is_block(value):
        yield head + ("|" if value.endswith("\n") else "|-")
        yield from ((indent + line) if line else "" for line in value.rstrip("\n").split("\n"))
        return
    yield head + _scalar(value, _PLAIN)


def _is_block(text: str) -> bool:
    """Tell whether a text of several lines can be written as it is, and reads back the same."""
    lines = text.removesuffix("\n").split("\n")
    return (
        len(lines) > 1
        and all(line.isprintable() for line in lines)
        and bool(lines[0].strip())
        and not lines[0].startswith(" ")
        and bool(lines[-1].strip())
    )


def _flat(value: Mapping[str, Any] | Sequence[Any]) -> str:
    """Return a mapping or list of single values in flow style; "" if it holds more than that."""
    items = value.values() if isinstance(value, Mapping) else value
    if any(isinstance(item, (Mapping, list)) for item in items):
        return ""
    flow = _flow(value)
    return "" if "\\n" in flow else flow


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_key(key)}: {_flow(item)}" for key, item in value.items())
        return f"{{{inner}}}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return _scalar(value, _PLAIN_IN_FLOW)


def _key(key: str) -> str:
    return _scalar(key, _PLAIN_IN_FLOW)


def _scalar(value: Any, plain: re.Pattern[str]) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case None:
            return "null"
        case dict():
            return "{}"
        case list():
            return "[]"
        case int() | Decimal():
            return str(getattr(value, "text", value))
        case _:
            text = str(value)
    return text if _is_plain(text, plain) else json.dumps(text, ensure_ascii=False)


def _is_plain(text: str, plain: re.Pattern[str]) -> bool:
    if not plain.fullmatch(text) or not text.isprintable() or text != text.strip():
        return False
    try:
        return scalars.resolve(text) == scalars.Scalar(text)
    except Complaint:
        return False
