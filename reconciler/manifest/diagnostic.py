"""What is wrong with a manifest, where, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


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
