"""A status document as it is kept: packed, with the little of it that each pass asks for.

Of ten thousand executions the documents are most of what is remembered between passes, and hardly
one of them is looked at in a pass.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from sys import intern
from typing import Any

from reconciler import canonical
from reconciler.converge.status import (
    ComponentStatus,
    Condition,
    Phase,
    SetName,
    Status,
    TaskStatus,
    document,
    set_of,
)
from reconciler.manifest.spec import Origin

_WINDOW = -13
"""Eight kilobytes that are looked back at, and neither head nor checksum."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class StatusDocument(Mapping[str, Any]):
    """A document that is read as it always was, at the cost of parsing it each time.

    Attributes:
        packed: Its canonical JSON, compressed.
        phase: As it says; so are ``reason`` and ``of_set``. "" or None where it doesn't.
    """

    packed: bytes
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
            _pack(canonical.text(whole)),
            intern(str(body.get("phase", ""))),
            intern(str(body.get("reason", ""))),
            set_of(whole),
        )

    @property
    def text(self) -> str:
        """Its canonical JSON."""
        return _unpack(self.packed)

    def whole(self) -> dict[str, Any]:
        """Return all of it, parsed: ask once and keep that."""
        found: dict[str, Any] = json.loads(self.text)
        return found

    def __eq__(self, other: object) -> bool:
        if isinstance(other, StatusDocument):
            return self.packed == other.packed
        return isinstance(other, Mapping) and self.whole() == dict(other)

    def __hash__(self) -> int:
        return hash(self.packed)

    def __repr__(self) -> str:
        return repr(self.whole())

    def __getitem__(self, key: str) -> Any:
        return self.whole()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.whole())

    def __len__(self) -> int:
        return len(self.whole())


def _pack(text: str) -> bytes:
    packer = zlib.compressobj(1, wbits=_WINDOW, memLevel=5, zdict=_typical())
    return packer.compress(text.encode()) + packer.flush()


def _unpack(packed: bytes) -> str:
    return zlib.decompressobj(wbits=_WINDOW, zdict=_typical()).decompress(packed).decode()


@cache
def _typical() -> bytes:
    """Return what documents are likely to say: what one shares with this hardly takes any room."""
    at = datetime(2000, 1, 1, tzinfo=UTC)
    told = (
        ("Ready", "Running", "all core components are up"),
        ("Validated", "Valid", ""),
        ("Admitted", "Admitted", ""),
        ("StatusPublished", "Published", ""),
        ("Healthy", "CoreUp", "all core components are up"),
        ("ElasticSatisfied", "AtMax", ""),
    )
    status = Status(
        namespace="",
        name="",
        uid="",
        run=1,
        phase=Phase.RUNNING,
        reason="Running",
        message="all core components are up",
        generation=1,
        type="interactive",
        origin=Origin(source_id="platform", path="executions/", line=1, blob="", commit=""),
        queued_at=at,
        started_at=at,
        attempt=1,
        components=(
            ComponentStatus(
                name="main",
                core=1,
                elastic=0,
                granted=1,
                running=1,
                restarts=0,
                nodes=("",),
                tasks=(TaskStatus(node="", state="running"),),
            ),
        ),
        conditions=tuple(
            Condition(
                type=type_, status="True", reason=reason, message=message, last_transition_at=at
            )
            for type_, reason, message in told
        ),
    )
    return canonical.text(document(status)).encode()
