"""Where every value and key of a document stands in its file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from reconciler.manifest.diagnostic import Path


class Mark(NamedTuple):
    """Where a value begins (from 0), and the marks of what is in it."""

    line: int
    column: int
    entries: Mapping[str, Entry] | None = None
    items: Sequence[Mark] | None = None


class Entry(NamedTuple):
    """Where a key begins (from 0), and the mark of its value."""

    line: int
    column: int
    value: Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One document of a file: a plain value and where everything in it stands."""

    value: Any
    mark: Mark

    @property
    def line(self) -> int:
        """The line that it begins on, from 1."""
        return self.mark.line + 1

    def locate(self, path: Path, *, at_key: bool = False) -> tuple[int, int]:
        """Return line and column, from 1, of a value or its key; of the nearest parent if gone."""
        mark = self.mark
        line, column = mark.line, mark.column
        for depth, part in enumerate(path):
            entry = mark.entries.get(part) if mark.entries and isinstance(part, str) else None
            if entry is not None:
                mark = entry.value
                is_last = depth == len(path) - 1
                line, column = entry[:2] if at_key and is_last else mark[:2]
            elif mark.items and isinstance(part, int) and part < len(mark.items):
                mark = mark.items[part]
                line, column = mark.line, mark.column
            else:
                break
        return line + 1, column + 1
