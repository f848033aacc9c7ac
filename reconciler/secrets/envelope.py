"""What is encrypted: a value, and whom it is for, so that a copy elsewhere is worth nothing. Pure.

One line of JSON, a line feed, and the value's bytes.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from reconciler import canonical

LONGEST_VALUE = 500_000
"""Bytes; the Swarm takes less than 512,000."""

_KIND = "zoe.secret/v1"


class NotAnEnvelope(ValueError):
    """It was encrypted by something else, or has no value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Whom a secret is for: a deployment, a namespace of it, and the name in its manifests."""

    deployment: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A value with its address."""

    address: Address
    value: bytes = field(repr=False)

    def packed(self) -> bytes:
        """Return the bytes to encrypt."""
        head = {"kind": _KIND, **canonical.to_data(self.address)}
        return json.dumps(head, sort_keys=True).encode() + b"\n" + self.value


def unpacked(data: bytes) -> Envelope:
    """Return what :meth:`Envelope.packed` packed.

    Raises:
        NotAnEnvelope: It is something else.
    """
    head, _, value = data.partition(b"\n")
    try:
        read = json.loads(head)
        if read.pop("kind") != _KIND or not 0 < len(value) <= LONGEST_VALUE:
            raise NotAnEnvelope
        return Envelope(address=canonical.from_data(Address, read), value=value)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        # Not "from error": that holds what was decrypted.
        raise NotAnEnvelope("not made by zoe secret encrypt") from None
