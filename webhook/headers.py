"""The header fields of a request, as bytes: a signature is compared as what came, not as text."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Headers:
    """Fields as they came, several of a name included. Names are compared in small letters."""

    fields: tuple[tuple[bytes, bytes], ...]

    @classmethod
    def of(cls, fields: Iterable[tuple[bytes, bytes]]) -> Headers:
        """Return the fields of an ASGI scope, or of a test."""
        return cls(tuple((name.lower(), value.strip()) for name, value in fields))

    def raw(self, name: str) -> bytes:
        """Return a field's value; empty where it is missing, or given twice with two values."""
        wanted = name.lower().encode()
        values = {value for given, value in self.fields if given == wanted}
        return values.pop() if len(values) == 1 else b""

    def has(self, name: str) -> bool:
        """Tell whether a field was given, if only empty."""
        wanted = name.lower().encode()
        return any(given == wanted for given, _ in self.fields)

    def text(self, name: str) -> str:
        """Return a field's value as text; what isn't ASCII is replaced."""
        return self.raw(name).decode("ascii", "replace")
