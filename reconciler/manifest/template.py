"""The text of a new manifest for a ZApp: every parameter named, what isn't set commented out.

What must be filled in and isn't holds a sample of the right type, so that the text is a valid
manifest, and says so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_HEAD = """\
# yaml-language-server: $schema=../../.zoe/schema/v1/manifest.schema.json
apiVersion: zoe/v1
kind: Execution
metadata:
  name: {name}
spec:
  zapp: {zapp}
"""
_RUN = "  run: 1                # raise it to start again what has ended\n"
_PRIORITY = "  # priority: normal    # filler, low, normal or high\n"
_LIFETIME = "  # lifetime: 4h        # stopped after that, counted from its start\n"
_SUSPEND = "  # suspend: true       # frees everything, keeps this file\n"
FILL_IN = "change-me"
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9-]*|[0-9]+(?:[KMGT]iB?|[smhd])")
# Read by one YAML or another as something else than text.
_WORDS_THAT_MEAN_MORE = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
_EXAMPLES = {
    "string": FILL_IN,
    "integer": "1",
    "number": "1",
    "boolean": "false",
    "quantity": "1GiB",
    "duration": "1h",
    "list": "[]",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Filling:
    """What is known of an execution already; "" is the platform's default."""

    values: Mapping[str, Any] = field(default_factory=dict)
    priority: str = ""
    lifetime: str = ""
    suspend: bool = False


def manifest_text(
    name: str,
    zapp: str,
    declarations: Mapping[str, Mapping[str, Any]],
    filling: Filling | None = None,
) -> str:
    """Return the text of a manifest that names every parameter."""
    filling = filling or Filling()
    text = _HEAD.format(name=name, zapp=zapp)
    if declarations:
        is_any_set = any(
            parameter in filling.values or "default" not in item
            for parameter, item in declarations.items()
        )
        text += "  parameters:\n" if is_any_set else "  # parameters:\n"
        for parameter, declaration in declarations.items():
            text += _line(parameter, declaration, filling.values)
    return text + _tail(filling)


def _tail(filling: Filling) -> str:
    priority = f"  priority: {filling.priority}\n" if filling.priority else _PRIORITY
    lifetime = _LIFETIME
    if filling.lifetime:
        lifetime = f"  lifetime: {filling.lifetime}".ljust(24) + "# counted from its start\n"
    suspend = "  suspend: true         # false starts it\n" if filling.suspend else _SUSPEND
    return _RUN + priority + lifetime + suspend


def _line(name: str, declaration: Mapping[str, Any], values: Mapping[str, Any]) -> str:
    is_missing = "default" not in declaration and name not in values
    if is_missing:
        value = _example(declaration)
    else:
        value = flow(values[name] if name in values else declaration["default"])
    notes = ["fill this in"] if is_missing else []
    notes += [_first_line(declaration.get("description", "")) or declaration["type"]]
    notes += [
        f"{key} {flow(declaration[key])}" for key in ("minimum", "maximum") if key in declaration
    ]
    if "values" in declaration:
        notes.append(f"one of {_first_line(', '.join(declaration['values']))}")
    mark = "" if is_missing or name in values else "# "
    return f"  {mark}  {name}: {value}".ljust(34) + f"  # {'; '.join(notes)}\n"


def _first_line(text: str) -> str:
    return next(iter(text.splitlines()), "")


def _example(declaration: Mapping[str, Any]) -> str:
    if declaration["type"] == "enum":
        return flow(declaration["values"][0])
    if "minimum" in declaration:
        return flow(declaration["minimum"])
    return _EXAMPLES[declaration["type"]]


def flow(value: object) -> str:
    """Return a value in YAML's flow style."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    if not isinstance(value, str):
        return str(getattr(value, "text", value))
    is_plain = _PLAIN.fullmatch(value) and value.lower() not in _WORDS_THAT_MEAN_MORE
    return value if is_plain else json.dumps(value, ensure_ascii=False)
