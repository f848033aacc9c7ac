"""What the parts of one service are converted with: its names, its place, and where to tell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from reconciler.importing.compose.hosts import Hosts
from reconciler.importing.compose.reading import kind_of, plain_text
from reconciler.importing.compose.variables import Variables
from reconciler.importing.naming import Namer
from reconciler.importing.notes import Notes
from reconciler.manifest.diagnostic import Path

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """One service. ``top`` is the whole file, for what it names there.

    ``secrets`` and ``folders`` are all services' together: the secrets that they mount, and what
    the workspace stands for.
    """

    name: str
    path: Path
    top: Mapping[str, Any]
    variables: Variables
    hosts: Hosts
    notes: Notes
    services: Namer
    volumes: str
    is_batch: bool
    secrets: dict[str, dict[str, str]]
    folders: set[str]

    def at(self, *parts: str | int) -> Path:
        """Return the place of a part of this service."""
        return (*self.path, *parts)

    def text(self, value: Any, *parts: str | int) -> str:
        """Return a single value as text, its variables as parameters."""
        return self.variables.text(plain_text(value), self.at(*parts))

    def hosted(self, value: Any, *parts: str | int, variable: str = "") -> str:
        """Return a text in which other services' names are expressions."""
        text = self.text(value, *parts)
        return self.hosts.rewritten(text, self.at(*parts), variable=variable)

    def value(self, value: Any, *parts: str | int) -> str:
        """Return a single value as text, its variables replaced by their defaults."""
        return self.variables.value(plain_text(value), self.at(*parts))

    def measured(
        self, measure: Callable[[Any], T | None], value: Any, *parts: str | int, what: str
    ) -> T | None:
        """Return what ``measure`` makes of a value; what it can't read is noted."""
        if value is None:
            return None
        if isinstance(value, (dict, list)):
            self.refuse(value, what, *parts)
            return None
        found = measure(self.value(value, *parts))
        if found is None:
            self.refuse(value, what, *parts)
        return found

    def refuse(self, value: Any, what: str, *parts: str | int) -> None:
        """Note that a value isn't ``what`` it should be."""
        self.notes.dropped(self.at(*parts), f"{kind_of(value)} isn't {what}")

    def mapping(self, value: Any, *parts: str | int) -> Mapping[str, Any]:
        """Return a mapping; anything else is noted and counts as an empty one."""
        if value is None or isinstance(value, dict):
            return value or {}
        self.refuse(value, "a mapping", *parts)
        return {}

    def items(self, value: Any, *parts: str | int) -> list[Any]:
        """Return a list; a single value is a list of one, a mapping is noted and none."""
        if value is None or isinstance(value, list):
            return value or []
        if isinstance(value, dict):
            self.refuse(value, "a list", *parts)
            return []
        return [value]

    def pairs(self, value: Any, *parts: str | int) -> list[tuple[str, Any, Path]]:
        """Return names, values and places of a mapping or a list of NAME=value; None: no value."""
        if isinstance(value, dict):
            return [(name, item, self.at(*parts, name)) for name, item in value.items()]
        pairs: list[tuple[str, Any, Path]] = []
        for index, item in enumerate(self.items(value, *parts)):
            if isinstance(item, (dict, list)):
                self.refuse(item, "NAME=value", *parts, index)
                continue
            name, sign, text = plain_text(item).partition("=")
            pairs.append((name.strip(), text if sign else None, self.at(*parts, index)))
        return pairs
