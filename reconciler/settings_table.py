"""A table of zoe.toml to the frozen value that it stands for, with all that is wrong in it.

Fields of that value which hold tables themselves aren't read here: whoever knows them takes them
out before.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T")

_APART = frozenset(
    {"sources", "storage", "security_profiles", "name", "webhook", "forge", "smtp", "notify"}
    | {"web", "gateway", "agent", "limits"}
)
"""Fields that are tables, or the name of one."""

_WRITTEN = {"sources": "source"}
"""How a file writes a field that it names otherwise."""

LARGEST = 2**31 - 1
_LEAST = dict.fromkeys(
    (
        "jitter_s",
        "publish_interval_s",
        "streams",
        "attachment_bytes",
        "items_per_set",
        "manifests_per_namespace",
    ),
    0,
)
_MOST = {"port": 65535}


def table_of(
    kind: type[T], table: object, base: Path, where: str, shape: str, problems: list[str]
) -> T | None:
    """Return a table, written as ``shape``; None without one, or with a problem noted."""
    if table is None:
        return None
    if not isinstance(table, dict):
        problems.append(f"{where} must be written as {shape}")
        return None
    before = len(problems)
    values = checked(kind, table, base, where, problems)
    mandatory = {f.name for f in fields(kind) if f.default is MISSING}  # type: ignore[arg-type]
    if missing := sorted(mandatory - table.keys()):
        hints = get_type_hints(kind)
        needed = [name + _words(hints[name]) for name in missing]
        problems.append(f"{where}: needs {' and '.join(needed)}")
    return kind(**values) if len(problems) == before else None


def checked(
    kind: type[Any], table: Mapping[str, Any], base: Path, where: str, problems: list[str]
) -> dict[str, Any]:
    """Return the table's values if each is known and of its field's type; else note problems."""
    if not table:
        return {}
    known = {f.name: str(f.type) for f in fields(kind)}
    hints = get_type_hints(kind)
    within = f"{where}: " if where else ""
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in known or key in _APART:
            import difflib  # for who mistypes

            names = [_WRITTEN.get(name, name) for name in known if name != "name"]
            near = difflib.get_close_matches(key, names, n=1)
            hint = f", did you mean {near[0]}?" if near else ""
            problems.append(f"{within}{key} is unknown{hint}")
        elif (fault := _fault(key, value, hints[key])) is not None:
            problems.append(f"{within}{key} {fault}")
        else:
            values[key] = _value(value, known[key], base)
    return values


def _value(value: Any, kind: str, base: Path) -> object:
    if kind.startswith("Path"):
        return beside(base, value)
    return tuple(value) if kind.startswith("tuple") else value


def beside(base: Path, path: str) -> Path:
    """Return where a path leads that a file in the folder ``base`` names."""
    # Path.expanduser raises where nobody is called so; such a path isn't there, as any other.
    return base / os.path.expanduser(path)  # noqa: PTH111


def _fault(key: str, value: object, kind: object) -> str | None:
    if kind == tuple[str, ...]:
        is_list = isinstance(value, list) and all(isinstance(item, str) for item in value)
        return None if is_list else 'must be a list of texts: ["…", "…"]'
    if get_origin(kind) is Literal:
        words = get_args(kind)
        return None if value in words else f"must be one of {', '.join(words)}"
    if kind is bool:
        return None if isinstance(value, bool) else "must be true or false"
    if kind is int:
        least, most = _LEAST.get(key, 1), _MOST.get(key, LARGEST)
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return None
        return f"must be a whole number from {least} to {most}"
    return None if isinstance(value, str) else "must be text in quotes"


def _words(kind: object) -> str:
    """Return what a setting may say, where it is one of a few words."""
    return f": {', '.join(get_args(kind))}" if get_origin(kind) is Literal else ""
