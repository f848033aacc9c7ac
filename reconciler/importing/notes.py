"""What an import tells beside its result: what it left out or changed, where, and what to do.

A pointer is a JSON pointer into the file that is imported, not into what comes out.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from reconciler.errors import ReconcilerError
from reconciler.manifest.diagnostic import Path, pointer

ENCRYPT_IT = (
    "write secrets: {NAME: {age: ...}} (zoe secret encrypt), and change it where it is from"
)
"""What to do about a secret that stands there in clear."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One thing that isn't as it was."""

    path: Path
    message: str
    remedy: str = ""

    def text(self, file: str) -> str:
        """Return the note in one line for people."""
        place = ": ".join(part for part in (file, pointer(self.path)) if part)
        line = f"{place}: {self.message}" + (f" ({self.remedy})" if self.remedy else "")
        return "".join(char if char.isprintable() else " " for char in line)


@dataclass(slots=True)
class Notes:
    """Collects the notes of one import, each once, in the order in which they come up."""

    _found: dict[Note, None] = field(default_factory=dict)

    def add(self, path: Path, message: str, remedy: str = "") -> None:
        """Note something."""
        self._found.setdefault(Note(path=path, message=message, remedy=remedy))

    def dropped(self, path: Path, why: str, remedy: str = "") -> None:
        """Note that what is at ``path`` was left out."""
        self.add(path, f"left out: {why}", remedy)

    def all(self) -> tuple[Note, ...]:
        """Return what was noted."""
        return tuple(self._found)


class Refused(ReconcilerError):
    """A file that can't be imported: where, why, and what to do about it."""

    def __init__(self, path: Path, message: str, remedy: str) -> None:
        super().__init__(Note(path=path, message=message, remedy=remedy).text("").lstrip(": "))
        self.path = path
        self.message = message
        self.remedy = remedy
