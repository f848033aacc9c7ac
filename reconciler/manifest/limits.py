"""How much of anything a repository may hand us before it is refused."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds on input. ``nodes`` counts every value and key of a file; ``depth`` their nesting."""

    file_bytes: int = 65_536
    depth: int = 32
    nodes: int = 20_000
    line_chars: int = 4_000
    diagnostics: int = 100
    attachment_bytes: int = 500_000
    items_per_set: int = 1_000
    manifests_per_namespace: int = 500
    manifests: int = 20_000


DEFAULT_LIMITS = Limits()
