"""Where a source's forge calls us, and what there is to be known of the source. Never its URL."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass, field

from webhook.providers import Provider

NAME = re.compile(r"[A-Za-z0-9._~-]{16,100}")
"""What an operator may choose as the last part of an address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One source. ``names`` are the last parts of its address: none of them can be guessed."""

    source_id: str
    provider: Provider
    names: tuple[str, ...] = field(repr=False)
    secrets: tuple[bytes, ...] = field(repr=False)
    branch: str
    status_branch: str

    def is_at(self, name: str) -> bool:
        """Tell whether this is the address that was called, in constant time."""
        called = name.encode()
        matches = [hmac.compare_digest(called, own.encode()) for own in self.names]
        return any(matches)


def derived_name(source_id: str, secret: bytes) -> str:
    """Return an address that only those who know the secret can work out."""
    digest = hmac.new(secret, b"zoe webhook address " + source_id.encode(), "sha256").hexdigest()
    return f"{source_id}-{digest[:32]}"
