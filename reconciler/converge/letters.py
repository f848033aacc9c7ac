"""Generated secrets as the members of a namespace get them: encrypted, on the status branch.

A letter says what is in it and who may read it, not the values: those are put in when it is
sealed (``reconciler.secrets``). It is sealed anew only when its ``mark`` changes, because
encrypting the same twice gives different bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reconciler import canonical
from reconciler.converge.secrets import Generated
from reconciler.manifest.membership import Member

FOLDER = "secrets"
RECIPIENT_TYPES = ("ssh-ed25519", "ssh-rsa")
"""Keys that age can encrypt to; security keys and others only sign."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """Values for the members of a namespace. ``subject`` is what they belong to (name and run)."""

    path: str
    namespace: str
    subject: str
    values: Mapping[str, Generated]
    members: tuple[Member, ...] = ()

    @property
    def readers(self) -> tuple[Member, ...]:
        """Those whose keys it can be encrypted to."""
        return readers(self.members)

    @property
    def left_out(self) -> tuple[Member, ...]:
        """Those whose keys it can't be encrypted to."""
        return tuple(m for m in self.members if m not in self.readers)

    def mark(self, fingerprint: str) -> str:
        """Return what changes when it has to be sealed anew; ``fingerprint`` is the key's."""
        return canonical.digest([self.subject, self.values, self.members, fingerprint])[:32]


def readers(members: Sequence[Member]) -> tuple[Member, ...]:
    """Return those of a namespace's members to whose keys something can be encrypted."""
    return tuple(member for member in members if member.key.split(" ")[0] in RECIPIENT_TYPES)


def path_of(namespace: str, name: str) -> str:
    """Return where a letter lies on the status branch: sharded, as statuses are."""
    shard = hashlib.sha256(name.encode()).hexdigest()[:2]
    return f"{FOLDER}/{namespace}/{shard}/{name}.yaml"
