"""A parameter's value as somebody types it: text to the value of the declared type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.manifest import source_map
from reconciler.manifest.diagnostic import Complaint, quoted
from reconciler.manifest.parameters import check_value
from reconciler.manifest.scalars import resolve

_AS_TYPED = frozenset({"string", "enum", "duration"})


def read_answer(text: str, declaration: Mapping[str, Any]) -> Any:
    """Return the value that a text stands for: of the declared type, and within its bounds.

    A list is ``a, b`` or ``[a, b]``; an item with a comma in it is quoted.

    Raises:
        Complaint: It is no such value.
    """
    value = _value(text, declaration["type"])
    check_value(value, declaration)
    return value


def hint(declaration: Mapping[str, Any]) -> str:
    """Return what may be answered: the type, or the choices, and the bounds."""
    parts = [", ".join(declaration.get("values", ())) or declaration["type"]]
    for key, word in (("minimum", "from"), ("maximum", "to")):
        if key in declaration:
            bound = declaration[key]
            parts.append(f"{word} {getattr(bound, 'text', bound)}")
    return " ".join(parts)


def _value(text: str, kind: str) -> Any:
    if kind in _AS_TYPED:
        return text
    if kind == "list":
        return _items(text)
    value = resolve(text.strip()).value
    return text.strip() if value is None else value


def _items(text: str) -> Any:
    stripped = text.strip()
    flow = stripped if stripped.startswith("[") else f"[{stripped}]"
    reading = source_map.read(flow.encode("utf-8", "replace"), file="answer")
    if reading.diagnostics or not reading.documents:
        raise Complaint("WrongType", f"{quoted(text)} isn't a list", "write a, b")
    return reading.documents[0].value
