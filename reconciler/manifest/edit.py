"""Small edits of a manifest's text: what isn't meant stays as it is, byte for byte.

The marks of ``source_map`` say where things begin, a second look at the parser's events where they
end. Every edit is read back: one that would say anything but what was meant is refused.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from copy import deepcopy
from itertools import accumulate
from typing import Any, NamedTuple, NoReturn, Protocol

import yaml
from yaml.events import DocumentStartEvent, ScalarEvent

from reconciler.errors import ManifestError
from reconciler.manifest import source_map
from reconciler.manifest.diagnostic import Complaint, Path
from reconciler.manifest.marks import Document, Mark
from reconciler.manifest.source_map import Reading

Scalar = str | int | bool


def find_document(text: str, name: str, *, file: str, kind: str = "Execution") -> int | None:
    """Return the index of a kind's document whose ``metadata.name`` is ``name``; None if none is.

    Raises:
        ManifestError: The file can't be read.
    """
    documents = _read(text, file).documents
    for index, document in enumerate(documents):
        if _at(document, _NAME) == name and (_at(document, _KIND) or "Execution") == kind:
            return index
    return None


def value_at(text: str, index: int, path: Path, *, file: str) -> Any:
    """Return a value of the document at ``index``; None if it isn't there.

    Raises:
        ManifestError: The file can't be read.
    """
    return _at(_read(text, file).documents[index], path)


def set_scalar(text: str, index: int, path: Path, value: Scalar, *, file: str) -> str:
    """Return the text with the scalar at ``path`` replaced, or its key added to its mapping.

    Args:
        text: The file; JSON is fine.
        index: Which of its documents.
        path: Keys from the document's root; all but the last must be there.
        value: What is to stand there.
        file: The file's name, for messages.

    Raises:
        ManifestError: The file can't be read, or this takes more than a small edit.
    """
    reading = _read(text, file)
    place = _parent(reading.documents[index], path[:-1])
    if place is None:
        _refuse(reading, index, path)
    layout = _Layout(text)
    entry = (place.mark.entries or {}).get(str(path[-1]))
    if entry is None:
        changed = layout.with_key(place, str(path[-1]), value)
    else:
        changed = layout.with_value(entry.value, value)
    meant = [deepcopy(document.value) for document in reading.documents]
    _put(meant[index], path, value)
    if changed is None or not _says(changed, meant, file):
        _refuse(reading, index, path)
    return changed


def remove_document(text: str, index: int, *, file: str) -> str:
    """Return the text without a document; "" if it was the only one.

    Comments above the first document are taken for the file's and stay.

    Raises:
        ManifestError: The file can't be read, or this takes more than a small edit.
    """
    reading = _read(text, file)
    if len(reading.documents) == 1:
        return ""
    begins = [*_Layout(text).beginnings([d.mark for d in reading.documents]), len(text)]
    changed = text[: begins[index]] + text[begins[index + 1] :]
    meant = [d.value for number, d in enumerate(reading.documents) if number != index]
    if not _says(changed, meant, file):
        _refuse(reading, index, ())
    return changed


_NAME: Path = ("metadata", "name")
_KIND: Path = ("kind",)


def _read(text: str, file: str) -> Reading:
    reading = source_map.read(text.encode(), file=file)
    if errors := tuple(item for item in reading.diagnostics if item.is_error):
        raise ManifestError(errors)
    return reading


def _refuse(reading: Reading, index: int, path: Path) -> NoReturn:
    message = "this can't be changed without rewriting what stands around it"
    complaint = Complaint("CannotEdit", message, "change it in your editor")
    raise ManifestError((reading.locate(index, complaint.at(path)),))


def _at(document: Document, path: Path) -> Any:
    value = document.value
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _put(value: Any, path: Path, scalar: Scalar) -> None:
    for part in path[:-1]:
        value = value[part]
    value[path[-1]] = scalar


def _says(text: str, meant: Sequence[Any], file: str) -> bool:
    reading = source_map.read(text.encode(), file=file)
    if any(item.is_error for item in reading.diagnostics):
        return False
    return _canonical([document.value for document in reading.documents]) == _canonical(meant)


def _canonical(values: Sequence[Any]) -> str:
    # Compared as text: to Python, 1 is True.
    return json.dumps(values, sort_keys=True, default=repr)


class _Place(NamedTuple):
    """A mapping, and the line of the key that it belongs to (None: it is a document's root)."""

    mark: Mark
    key_line: int | None


def _parent(document: Document, path: Path) -> _Place | None:
    mark, key_line = document.mark, None
    for part in path:
        entry = mark.entries.get(str(part)) if mark.entries else None
        if entry is None:
            return None
        mark, key_line = entry.value, entry.line
    return None if mark.entries is None else _Place(mark, key_line)


class _Position(Protocol):
    """A line and a column, from 0: what the parser's marks and ours have in common."""

    @property
    def line(self) -> int: ...

    @property
    def column(self) -> int: ...


class _Scalar(NamedTuple):
    """How a scalar is written, and where it ends."""

    style: str | None
    end: int


class _Layout:
    """Where the lines, scalars and documents of a text are."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._lines = text.splitlines(keepends=True) or [""]
        self._offsets = [0, *accumulate(map(len, self._lines))]
        self._newline = "\r\n" if self._lines[0].endswith("\r\n") else "\n"
        events = list(_events(text))
        self._scalars = {
            self._offset(event.start_mark): _Scalar(event.style, self._offset(event.end_mark))
            for event in _only(ScalarEvent, events)
        }
        self._documents = [
            self._offset(event.start_mark) for event in _only(DocumentStartEvent, events)
        ]

    def with_value(self, mark: Mark, value: Scalar) -> str | None:
        """Return the text with a scalar replaced; None where there is none, or one in a block."""
        start = self._offset(mark)
        old = self._scalars.get(start)
        if old is None or mark.entries is not None or old.style in ("|", ">"):
            return None
        # Nothing stands where a key has no value, and then a blank must follow the colon.
        blank = " " if self._text[:start].endswith(":") else ""
        return self._text[:start] + blank + _written(value) + self._text[old.end :]

    def with_key(self, place: _Place, key: str, value: Scalar) -> str | None:
        """Return the text with a key added to a mapping; None where no line is free for it."""
        start = self._offset(place.mark)
        if self._text.startswith("{", start):
            return self._with_flow_key(place, key, value)
        entry = f"{key}: {_written(value)}"
        line = self._free_line(place)
        return None if line is None else self._with_line(line, place.mark.column, entry)

    def beginnings(self, marks: Sequence[Mark]) -> list[int]:
        """Return where the documents with these marks begin: at their ``---`` if they have one."""
        starts = [max(b for b in self._documents if b <= self._offset(mark)) for mark in marks]
        return [self._offsets[self._line_of(start)] for start in starts]

    def _with_flow_key(self, place: _Place, key: str, value: Scalar) -> str:
        entries = place.mark.entries or {}
        start = self._offset(place.mark) + 1
        if not entries:
            return f"{self._text[:start]}{key}: {_written(value)}{self._text[start:]}"
        first = min(entries.values())
        at = self._offset(first)
        # JSON, or written like it.
        written = f'"{key}"' if self._text.startswith('"', at) else key
        separator = " "
        if not self._lines[first.line][: first.column].strip():
            separator = self._newline + " " * first.column
        entry = f"{written}: {_written(value)},{separator}"
        return self._text[:at] + entry + self._text[at:]

    def _free_line(self, place: _Place) -> int | None:
        """Return the line before which a key fits: after the first entry, else above it.

        Above means at once below the parent's key, so that a comment stays with what it is about.
        """
        first = min((place.mark.entries or {}).values())
        value = self._scalars.get(self._offset(first.value))
        if value is not None and self._ends_on(first.line, value.end):
            return first.line + 1
        if place.key_line is None:
            return None if self._lines[first.line][: first.column].strip() else first.line
        return place.key_line + 1 if place.key_line < first.line else None

    def _ends_on(self, line: int, offset: int) -> bool:
        """Tell whether ``offset`` is on the line, and nothing but a comment follows."""
        if self._line_of(offset) != line:
            return False
        rest = self._text[offset : self._offsets[line + 1]].strip()
        return not rest or rest.startswith("#")

    def _with_line(self, line: int, column: int, entry: str) -> str:
        at = self._offsets[line]
        before, after = self._text[:at], self._text[at:]
        if before and not before.endswith("\n"):
            return f"{before}{self._newline}{' ' * column}{entry}{after}"
        return f"{before}{' ' * column}{entry}{self._newline}{after}"

    def _offset(self, mark: _Position) -> int:
        return self._offsets[min(mark.line, len(self._lines))] + mark.column

    def _line_of(self, offset: int) -> int:
        return self._text.count("\n", 0, offset)


def _events(text: str) -> Iterator[Any]:
    loader = yaml.CSafeLoader(text)
    try:
        while loader.check_event():
            yield loader.get_event()
    finally:
        loader.dispose()


def _only(kind: type, events: Sequence[Any]) -> list[Any]:
    return [event for event in events if isinstance(event, kind)]


def _written(value: Scalar) -> str:
    # JSON's spelling of a text, number or truth is YAML's too.
    return json.dumps(value, ensure_ascii=False)
