"""A status document as it is kept: as text, with the little of it that each pass asks for.

Of ten thousand executions the documents are most of what is remembered between passes, and hardly
one of them is looked at in a pass.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from sys import intern
from typing import Any

from reconciler import canonical
from reconciler.converge.status import SetName, set_of


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class StatusDocument(Mapping[str, Any]):
    """A document that is read as it always was, at the cost of parsing it each time.

    Attributes:
        text: Canonical JSON.
        phase: As it says; so are ``reason`` and ``of_set``. "" or None where it doesn't.
    """

    text: str
    phase: str
    reason: str
    of_set: SetName | None

    @classmethod
    def of(cls, whole: Mapping[str, Any]) -> StatusDocument:
        """Return a document to keep; what is one already is returned as it is."""
        if isinstance(whole, StatusDocument):
            return whole
        body = whole.get("status", {})
        return cls(
            canonical.text(whole),
            intern(str(body.get("phase", ""))),
            intern(str(body.get("reason", ""))),
            set_of(whole),
        )

    def whole(self) -> dict[str, Any]:
        """Return all of it, parsed: ask once and keep that."""
        found: dict[str, Any] = json.loads(self.text)
        return found

    def __eq__(self, other: object) -> bool:
        if isinstance(other, StatusDocument):
            return self.text == other.text
        return isinstance(other, Mapping) and self.whole() == dict(other)

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return repr(self.whole())

    def __getitem__(self, key: str) -> Any:
        return self.whole()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.whole())

    def __len__(self) -> int:
        return len(self.whole())
