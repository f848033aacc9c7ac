"""The text of a new manifest for a ZApp: every parameter named, what has a default commented out.

What must be filled in holds a sample of the right type, so that the text is a valid manifest, and
says so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
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
_TAIL = """\
  run: 1                # raise it to start again what has ended
  # priority: normal    # filler, low, normal or high
  # lifetime: 4h        # stopped after that, counted from its start
  # suspend: true       # frees everything, keeps this file
"""
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


def manifest_text(name: str, zapp: str, declarations: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the text of a manifest that names every parameter."""
    text = _HEAD.format(name=name, zapp=zapp)
    if declarations:
        is_any_required = any("default" not in item for item in declarations.values())
        text += "  parameters:\n" if is_any_required else "  # parameters:\n"
        for parameter, declaration in declarations.items():
            text += _line(parameter, declaration)
    return text + _TAIL


def _line(name: str, declaration: Mapping[str, Any]) -> str:
    is_required = "default" not in declaration
    value = _example(declaration) if is_required else flow(declaration["default"])
    notes = ["fill this in"] if is_required else []
    notes += [_first_line(declaration.get("description", "")) or declaration["type"]]
    notes += [
        f"{key} {flow(declaration[key])}" for key in ("minimum", "maximum") if key in declaration
    ]
    if "values" in declaration:
        notes.append(f"one of {_first_line(', '.join(declaration['values']))}")
    mark = "" if is_required else "# "
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
