"""How much of anything a repository may hand us before it is refused: ``[limits]`` of zoe.toml."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds on input. ``nodes`` counts every value and key of a file; ``depth`` their nesting.

    ``files`` and ``content_mib`` are of all manifests of a commit. The last ones are of one fetch,
    and of treating what a commit brought.
    """

    file_bytes: int = 65_536
    depth: int = 32
    nodes: int = 20_000
    line_chars: int = 4_000
    diagnostics: int = 100
    attachment_bytes: int = 500_000
    items_per_set: int = 1_000
    manifests_per_namespace: int = 500
    manifests: int = 20_000
    files: int = 20_000
    content_mib: int = 32
    fetch_mib: int = 512
    fetch_memory_mib: int = 1_024
    fetch_s: int = 180
    pass_s: int = 300

    @property
    def blob_bytes(self) -> int:
        """How much of any file is ever read."""
        return max(self.file_bytes, self.attachment_bytes)


DEFAULT_LIMITS = Limits()
