"""What follows from this installation's key: secrets that nobody has to store.

A generated secret is a function of the key and of what it is for. So whoever holds the key makes
it again, after a crash as well, and nothing keeps it but the Swarm.
"""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Keyring:
    """The installation's key: at least 32 bytes of chance, never shown."""

    key: bytes = field(repr=False)

    def derived(self, purpose: str, *scope: str) -> bytes:
        """Return 32 bytes that only who holds the key can make.

        Args:
            purpose: What they are used as; one for each use, so that none can stand for another.
            scope: Whom they belong to, outermost first. No two lists give the same bytes.
        """
        parts = [text.encode() for text in (purpose, *scope)]
        # Lengths keep ("ab", "c") and ("a", "bc") apart.
        message = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        return hmac.digest(self.key, message, "sha256")

    def text(self, purpose: str, *scope: str) -> str:
        """Return them as a password: 43 letters, digits, ``-`` and ``_``."""
        return base64.urlsafe_b64encode(self.derived(purpose, *scope)).decode().rstrip("=")

    @property
    def mark(self) -> str:
        """What the key is known by where it isn't; it tells nothing of it."""
        return self.name("mark of the key")

    def name(self, purpose: str, *scope: str) -> str:
        """Return 12 hexadecimal digits that change with the scope and tell nothing of it."""
        return self.derived(purpose, *scope).hex()[:12]
