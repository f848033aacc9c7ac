"""A file's bytes to plain values, with the line and column of every value and key.

One pass over the parser's events, under limits that stop it inside the loop: composing nodes
recurses in C (30,000 brackets end the interpreter) and is slower. Only what JSON could say gets
through, so what a reviewer reads is what we read: no anchors, aliases, merge keys, tags,
duplicate keys or invisible characters. Syntax ends a file; everything else is collected.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from sys import intern
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from reconciler.manifest import scalars
from reconciler.manifest.characters import (
    FORBIDDEN,
    At,
    Unreadable,
    decode,
    odd_character,
    refuse_text,
)
from reconciler.manifest.diagnostic import (
    Complaint,
    Diagnostic,
    Path,
    Problem,
    Severity,
    pointer,
    quoted,
    snippet,
)
from reconciler.manifest.hiding import is_of_secret, up_to, without_secrets, without_value
from reconciler.manifest.limits import DEFAULT_LIMITS, Limits
from reconciler.manifest.marks import Document, Entry, Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a file says. Where there are errors, ``documents`` is what could be read besides."""

    file: str
    lines: Sequence[str]
    documents: tuple[Document, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()

    def locate(self, index: int, problem: Problem) -> Diagnostic:
        """Return the diagnostic for a problem of the document at ``index``."""
        if index >= len(self.documents):
            line, column = 0, 0
        else:
            line, column = self.documents[index].locate(problem.path, at_key=problem.at_key)
        return _diagnostic(self.file, self.lines, line, column, problem)


def read(data: bytes, *, file: str, limits: Limits = DEFAULT_LIMITS) -> Reading:
    """Read a file. Never raises: whatever is wrong with it is in ``diagnostics``."""
    try:
        text = decode(data, limits)
    except Unreadable as stop:
        only = _diagnostic(file, stop.lines, stop.line, stop.column, stop.problem)
        return Reading(file=file, lines=(), diagnostics=(only,))
    lines = text.split("\n")
    if bad := refuse_text(text, lines, limits):
        return Reading(
            file=file,
            lines=lines,
            diagnostics=tuple(_diagnostic(file, lines, *at, problem) for at, problem in bad),
        )
    builder = _Builder(limits)
    builder.run(text)
    found = tuple(
        sorted(_diagnostic(file, lines, *at, problem) for at, problem in builder.problems)
    )
    return Reading(file=file, lines=lines, documents=tuple(builder.documents), diagnostics=found)


def _diagnostic(
    file: str, lines: Sequence[str], line: int, column: int, problem: Problem
) -> Diagnostic:
    text_line = without_secrets(lines, line) if 0 < line <= len(lines) else ""
    message = problem.message
    if is_of_secret(problem.path):
        text_line, message = up_to(text_line, column), without_value(message)
    return Diagnostic(
        file=file,
        line=line,
        column=column,
        pointer=pointer(problem.path),
        code=problem.code,
        message=message,
        remedy=problem.remedy,
        snippet=snippet(text_line, column) if line else "",
        severity=problem.severity,
    )


@dataclass(slots=True)
class _Frame:
    """A mapping or sequence that is being built. ``is_dropped``: it is a key, and refused."""

    mark: Mark
    value: dict[str, Any] | list[Any]
    is_dropped: bool = False
    key: str | None = None
    key_at: At = (0, 0)
    awaits_key: bool = True
    skips_value: bool = False
    part: str | int | None = None


@dataclass(slots=True)
class _Builder:
    """Folds events into documents."""

    limits: Limits
    documents: list[Document] = field(default_factory=list)
    problems: list[tuple[At, Problem]] = field(default_factory=list)
    stack: list[_Frame] = field(default_factory=list)
    nodes: int = 0

    def run(self, text: str) -> None:
        """Read all events of ``text``, or up to the first that a limit or the syntax forbids."""
        try:
            for event in _events(text):
                self._take(event)
        except Unreadable as stop:
            self.problems.append(((stop.line, stop.column), stop.problem))
        if not self.documents and not self.problems:
            complaint = Complaint("EmptyFile", "the file is empty", "write a manifest or delete it")
            self.problems.append(((0, 0), complaint.at(())))

    def _take(self, event: Any) -> None:
        # Compared by type, most frequent first: this runs for every value of every manifest.
        kind = type(event)
        if kind is ScalarEvent:
            self._begin(event)
            self._scalar(event)
        elif kind is MappingEndEvent or kind is SequenceEndEvent:
            self._close()
        elif kind is MappingStartEvent or kind is SequenceStartEvent:
            self._begin(event)
            self._open(event)
        elif kind is AliasEvent:
            self._count(event)
            complaint = Complaint("AliasNotAllowed", "an alias", "write the value out here")
            self._complain(event, complaint)
            self._add(event, None)

    def _begin(self, event: Any) -> None:
        self._count(event)
        if event.anchor is not None or event.tag is not None:
            self._refuse_decoration(event)

    def _count(self, event: Any) -> None:
        self.nodes += 1
        if self.nodes > self.limits.nodes:
            message = f"the file has more than {self.limits.nodes} values (limits.nodes)"
            complaint = Complaint("TooManyValues", message, "split it into several files")
            raise Unreadable(complaint, *_at(event))
        if len(self.stack) >= self.limits.depth:
            message = f"more than {self.limits.depth} levels of nesting (limits.depth)"
            raise Unreadable(Complaint("TooDeep", message, "nest less deeply"), *_at(event))

    def _complain(
        self, event: Any, complaint: Complaint, severity: Severity = Severity.ERROR
    ) -> None:
        if len(self.problems) < self.limits.diagnostics:
            problem = Problem(
                path=self._path(),
                code=complaint.code,
                message=complaint.message,
                remedy=complaint.remedy,
                severity=severity,
            )
            self.problems.append((_at(event), problem))

    def _path(self) -> Path:
        parts: list[str | int] = []
        for frame in self.stack:
            if isinstance(frame.value, list):
                parts.append(len(frame.value))
            elif frame.key is not None and not frame.awaits_key:
                parts.append(frame.key)
        return tuple(parts)

    def _refuse_decoration(self, event: Any) -> None:
        if event.anchor is not None:
            complaint = Complaint("AnchorNotAllowed", "an anchor", f"remove &{event.anchor[:40]}")
            self._complain(event, complaint)
        if event.tag is not None:
            complaint = Complaint("TagNotAllowed", "a tag", "remove it; quote what should be text")
            self._complain(event, complaint)

    def _scalar(self, event: Any) -> None:
        frame = self.stack[-1] if self.stack else None
        if frame is not None and isinstance(frame.value, dict) and frame.awaits_key:
            self._key(event, frame)
            return
        value: object = event.value
        if not event.style and event.tag is None:
            try:
                value, elsewhere = scalars.resolve(event.value)
            except Complaint as complaint:
                self._complain(event, complaint)
                value = None
            else:
                if elsewhere:
                    self._warn_of_old_meaning(event, elsewhere)
        elif event.style == '"':
            self._refuse_escaped(event)
        self._add(event, value)

    def _warn_of_old_meaning(self, event: Any, elsewhere: str) -> None:
        complaint = Complaint(
            "TextHere",
            f"{quoted(event.value)} is text here, but {elsewhere} to YAML 1.1",
            f'write "{event.value}"' + (", or true or false" if "bool" in elsewhere else ""),
        )
        self._complain(event, complaint, Severity.WARNING)

    def _refuse_escaped(self, event: Any) -> None:
        # Escapes make characters that the scan of the text couldn't see.
        if (match := FORBIDDEN.search(event.value)) is not None:
            self._complain(event, odd_character(match.group()))

    def _key(self, event: Any, frame: _Frame) -> None:
        frame.awaits_key = False
        frame.skips_value = True
        frame.key = None
        if event.style == '"':
            self._refuse_escaped(event)
        if not event.style and (refusal := _refuse_plain_key(event.value)) is not None:
            self._complain(event, refusal)
            return
        key = intern(event.value)
        entries = frame.mark.entries
        if entries is not None and (first := entries.get(key)) is not None:
            complaint = Complaint(
                "DuplicateKey",
                f"{quoted(key)} stands on line {first.line + 1} already",
                "keep one of the two",
            )
            frame.key = key
            self._complain(event, complaint)
            frame.key = None
            return
        frame.key, frame.key_at, frame.skips_value = key, _at(event), False

    def _open(self, event: Any) -> None:
        frame = self.stack[-1] if self.stack else None
        is_key = frame is not None and isinstance(frame.value, dict) and frame.awaits_key
        if is_key:
            complaint = Complaint("KeyNotText", "a key that isn't text", "write a name as the key")
            self._complain(event, complaint)
        line, column = _at(event)
        if type(event) is MappingStartEvent:
            mark = Mark(line - 1, column - 1, {}, None)
            self.stack.append(_Frame(mark, {}, is_dropped=is_key))
        else:
            mark = Mark(line - 1, column - 1, None, [])
            self.stack.append(_Frame(mark, [], is_dropped=is_key))

    def _close(self) -> None:
        frame = self.stack.pop()
        if frame.is_dropped:
            parent = self.stack[-1]
            parent.awaits_key, parent.skips_value, parent.key = False, True, None
            return
        self._put(frame.value, frame.mark)

    def _add(self, event: Any, value: object) -> None:
        frame = self.stack[-1] if self.stack else None
        if frame is not None and isinstance(frame.value, dict) and frame.awaits_key:
            # An alias as a key: complained of already.
            frame.awaits_key, frame.skips_value, frame.key = False, True, None
            return
        line, column = _at(event)
        self._put(value, Mark(line - 1, column - 1))

    def _put(self, value: object, mark: Mark) -> None:
        if not self.stack:
            if value is not None:
                self.documents.append(Document(value=value, mark=mark))
            return
        frame = self.stack[-1]
        if isinstance(frame.value, list):
            frame.value.append(value)
            frame.mark.items.append(mark)  # type: ignore[union-attr]
            return
        frame.awaits_key = True
        if not frame.skips_value and frame.key is not None:
            frame.value[frame.key] = value
            line, column = frame.key_at
            frame.mark.entries[frame.key] = Entry(line - 1, column - 1, mark)  # type: ignore[index]


def _at(event: Any) -> At:
    mark = event.start_mark
    return mark.line + 1, mark.column + 1


def _refuse_plain_key(text: str) -> Complaint | None:
    if text == "<<":
        return Complaint("MergeKeyNotAllowed", "a merge key", "write the keys out here")
    try:
        value = scalars.resolve(text).value
    except Complaint:
        value = None
    if isinstance(value, str):
        return None
    return Complaint("KeyNotText", f"the key {quoted(text)} isn't text", f'write "{text[:40]}":')


def _events(text: str) -> Iterator[Any]:
    """Yield the parser's events.

    Raises:
        Unreadable: The text isn't YAML.
    """
    loader = yaml.CSafeLoader(text)
    try:
        while loader.check_event():
            yield loader.get_event()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        at = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        problem = str(getattr(error, "problem", "") or "not YAML")
        complaint = Complaint("Syntax", f"not YAML: {problem}", _syntax_remedy(problem))
        raise Unreadable(complaint, *at) from error
    finally:
        loader.dispose()


def _syntax_remedy(problem: str) -> str:
    if "cannot start any token" in problem:
        return "indent with spaces, and quote text that begins with a special character"
    if "mapping values are not allowed" in problem:
        return 'quote text that holds ": ", and check the indentation of this line'
    return "check the indentation, brackets and quotes here and on the line before"
