"""What is wrong with a manifest, where, and what to do about it; and how that is printed.

A problem is found in three steps: code that sees one value raises a :class:`Complaint`, code that
knows which value it was makes a :class:`Problem` of it, code that has the text a
:class:`Diagnostic`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

Path = tuple[str | int, ...]
"""Where a value is in its document: keys and indexes from the root."""


class Severity(StrEnum):
    """An error keeps the document out; a warning doesn't."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Diagnostic:
    """One problem. ``line`` and ``column`` count from 1; 0 = the file as a whole.

    ``snippet`` is the offending line, cut around the column and cleaned of control characters.
    ``code`` is CamelCase and stable; ``remedy`` says what to write.
    """

    file: str
    line: int
    column: int
    pointer: str
    code: str
    message: str
    remedy: str = ""
    snippet: str = ""
    severity: Severity = Severity.ERROR

    @property
    def is_error(self) -> bool:
        """Whether it keeps the document out."""
        return self.severity is Severity.ERROR

    @property
    def sentence(self) -> str:
        """What is wrong where, and what to do, in a line of its own."""
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        remedy = self.remedy.splitlines()
        return ": ".join([place, self.message, *(remedy if len(remedy) == 1 else ())])


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A problem with the value at ``path``, or with its key, not yet found in the text."""

    path: Path
    code: str
    message: str
    remedy: str
    at_key: bool = False
    severity: Severity = Severity.ERROR

    @property
    def is_error(self) -> bool:
        """Whether it keeps the document out."""
        return self.severity is Severity.ERROR


class Complaint(ValueError):
    """A value that can't be taken, said without knowing where it stands."""

    def __init__(self, code: str, message: str, remedy: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.remedy = remedy

    def at(self, path: Path, *, at_key: bool = False) -> Problem:
        """Return the problem that this is at ``path``."""
        return Problem(
            path=path, code=self.code, message=self.message, remedy=self.remedy, at_key=at_key
        )


def pointer(path: Path) -> str:
    """Return ``path`` as a JSON pointer (RFC 6901)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


SNIPPET_CHARS = 100
_LEAD = 50
_CUT = "…"


def snippet(text_line: str, column: int) -> str:
    """Return at most ~100 characters of a line around ``column``, safe to show anywhere."""
    line = "".join(char if char.isprintable() else " " for char in text_line)
    if len(line) <= SNIPPET_CHARS:
        return line
    start = max(0, column - 1 - _LEAD)
    end = start + SNIPPET_CHARS
    return (_CUT if start else "") + line[start:end] + (_CUT if end < len(line) else "")


def _caret(diagnostic: Diagnostic) -> int:
    is_cut = diagnostic.snippet.startswith(_CUT) and diagnostic.column - 1 > _LEAD
    return _LEAD + len(_CUT) if is_cut else diagnostic.column - 1


def to_text(diagnostics: Iterable[Diagnostic]) -> str:
    """Return the diagnostics for people: place, message, the line, a caret and the remedy."""
    return "\n".join(_as_text(diagnostic) for diagnostic in diagnostics)


def _as_text(diagnostic: Diagnostic) -> str:
    place = diagnostic.file
    if diagnostic.line:
        place += f":{diagnostic.line}:{diagnostic.column}"
    if diagnostic.pointer:
        place += f": {diagnostic.pointer}"
    level = "" if diagnostic.is_error else "warning: "
    head = f"{place}: {level}{diagnostic.message}"
    first, *rest = diagnostic.remedy.splitlines() or [""]
    if not diagnostic.snippet:
        return "\n".join([head, f"      {first}", *(f"      {line}" for line in rest)])
    indent = " " * 5 + "| " + " " * _caret(diagnostic)
    return "\n".join(
        [
            head,
            f"{diagnostic.line:>4} | {diagnostic.snippet}",
            f"{indent}^ {first}",
            *(f"{indent}  {line}" for line in rest),
        ]
    )


def to_data(diagnostic: Diagnostic) -> dict[str, str | int]:
    """Return the diagnostic as JSON data, in the form that ``zoe validate -o json`` documents."""
    return {
        "file": diagnostic.file,
        "line": diagnostic.line,
        "column": diagnostic.column,
        "pointer": diagnostic.pointer,
        "code": diagnostic.code,
        "message": diagnostic.message,
        "remedy": diagnostic.remedy,
    }


def to_json(diagnostics: Sequence[Diagnostic], *, valid: int) -> str:
    """Return the verdict on a run as JSON; ``valid`` counts the documents without errors."""
    return json.dumps(
        {
            "valid": valid,
            "errors": [to_data(item) for item in diagnostics if item.is_error],
            "warnings": [to_data(item) for item in diagnostics if not item.is_error],
        },
        indent=2,
    )


def to_sarif(diagnostics: Sequence[Diagnostic], *, version: str) -> str:
    """Return the diagnostics as a SARIF 2.1.0 log, which forges show beside the code."""
    rules = sorted({item.code for item in diagnostics})
    driver = {"name": "zoe", "version": version, "rules": [{"id": rule} for rule in rules]}
    run = {"tool": {"driver": driver}, "results": [_as_result(item) for item in diagnostics]}
    schema = "https://json.schemastore.org/sarif-2.1.0.json"
    return json.dumps({"$schema": schema, "version": "2.1.0", "runs": [run]}, indent=2)


def _as_result(diagnostic: Diagnostic) -> dict[str, object]:
    place: dict[str, object] = {
        "artifactLocation": {"uri": diagnostic.file},
        # SARIF has no line 0: a file as a whole is shown at its first line.
        "region": {
            "startLine": max(1, diagnostic.line),
            "startColumn": max(1, diagnostic.column),
        },
    }
    return {
        "ruleId": diagnostic.code,
        "level": str(diagnostic.severity),
        "message": {"text": f"{diagnostic.message}: {diagnostic.remedy}"},
        "locations": [{"physicalLocation": place}],
    }


def to_github(diagnostics: Iterable[Diagnostic]) -> str:
    """Return the diagnostics as workflow commands, which GitHub turns into annotations."""
    return "\n".join(_as_command(diagnostic) for diagnostic in diagnostics)


def _as_command(diagnostic: Diagnostic) -> str:
    properties = {
        "file": diagnostic.file,
        "line": str(max(1, diagnostic.line)),
        "col": str(max(1, diagnostic.column)),
        "title": diagnostic.code,
    }
    listed = ",".join(f"{name}={_in_property(value)}" for name, value in properties.items())
    text = _in_command(f"{diagnostic.message}: {diagnostic.remedy}")
    return f"::{diagnostic.severity} {listed}::{text}"


def _in_command(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _in_property(text: str) -> str:
    return _in_command(text).replace(":", "%3A").replace(",", "%2C")


def to_gitlab(diagnostics: Iterable[Diagnostic]) -> str:
    """Return the diagnostics as a GitLab Code Quality report."""
    return json.dumps([_as_quality(diagnostic) for diagnostic in diagnostics], indent=2)


def _as_quality(diagnostic: Diagnostic) -> dict[str, object]:
    import hashlib  # for this form alone

    # The fingerprint leaves the line out, so that a problem that only moved isn't a new one.
    identity = "|".join((diagnostic.file, diagnostic.pointer, diagnostic.code, diagnostic.message))
    return {
        "description": f"{diagnostic.message}: {diagnostic.remedy}",
        "check_name": diagnostic.code,
        "fingerprint": hashlib.sha256(identity.encode()).hexdigest(),
        "severity": "major" if diagnostic.is_error else "minor",
        "location": {"path": diagnostic.file, "lines": {"begin": max(1, diagnostic.line)}},
    }


_PASSWORD = re.compile(r"(://[^/@\s:]{0,200}:)[^/@\s]+@")
_QUOTED_MOST = 4096
# Not compiled here: that takes 3 ms, and what is quoted is seldom anything but plain ASCII.
_UNSAFE = r"[^\x20-\x7e\u00a0-\u1fff\u3000-\ud7ff]"


def quoted(value: object, *, limit: int = 60) -> str:
    """Return a value as it may stand in a message: quoted, short, harmless.

    Messages are read by more people than the repository, so a password in an address is left out.
    """
    written = str(value).lower() if isinstance(value, bool) else getattr(value, "text", value)
    harmless = str(written)[:_QUOTED_MOST]
    if not (harmless.isascii() and harmless.isprintable()):
        harmless = re.sub(_UNSAFE, "�", harmless)
    text = _PASSWORD.sub(rf"\1{_CUT}@", harmless)
    return f'"{text[:limit]}{_CUT if len(text) > limit else ""}"'
