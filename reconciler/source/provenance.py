"""Where commits come from, as trust asks it of Git: what they bring in, and who signed them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One commit of a history. ``author`` is what it claims; nothing is decided on it."""

    id: str
    parents: tuple[str, ...]
    author: str


class SignatureKind(StrEnum):
    """What a commit carries in place of a signature, or that it has one which can be checked."""

    SSH = "ssh"
    NONE = "none"
    OTHER = "other"
    MALFORMED = "malformed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """What a commit claims: the public key that should have signed it. Nothing is checked yet."""

    kind: SignatureKind
    key: str = ""


class Provenance(Protocol):
    """The history of a source. All of it raises SourceUnavailable for what can't be read."""

    def history(self, tip: str, *, since: str, limit: int) -> tuple[Step, ...]:
        """Return the commits that ``tip`` has and ``since`` hasn't, children before parents.

        At most ``limit`` of them; "" as ``since`` is the beginning.
        """

    def changed(self, before: str, after: str) -> frozenset[str]:
        """Return the paths at which two commits differ."""

    def introduced(self, commit: str) -> frozenset[str]:
        """Return the paths that a commit itself changes.

        Of a merge those at which it isn't what its parents give without any decision: what one
        side changed since they parted.
        """

    def signature(self, commit: str) -> Signature:
        """Return whose signature a commit claims to carry."""

    def is_signed_by(self, commit: str, key: str) -> bool:
        """Tell whether the commit's signature is really of this key.

        Raises:
            CannotVerify: It can't be told, since ``ssh-keygen`` is missing or doesn't work.
        """


class Traceable(Protocol):
    """What has a provenance."""

    def provenance(self) -> Provenance:
        """Return the history as of the last fetch."""
