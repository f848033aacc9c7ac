"""How much of a commit is read at all: files, their bytes, and what its sets stand for."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.manifest.diagnostic import Complaint
from reconciler.manifest.documents import Parsed
from reconciler.manifest.limits import Limits

_MIB = 1024**2


@dataclass(slots=True)
class Budget:
    """What has been spent. Whoever comes first gets it: what was valid before, then by path."""

    limits: Limits
    files: int = 0
    content_bytes: int = 0
    items: int = 0

    @property
    def is_exceeded(self) -> bool:
        """Whether anything may have been left unread for it."""
        return (
            self.files > self.limits.files
            or self.content_bytes > self.limits.content_mib * _MIB
            or self.items > self.limits.manifests
        )

    def refusal(self) -> Complaint | None:
        """Return why no further file is read, if it isn't; ask before each."""
        self.files += 1
        if self.files > self.limits.files:
            message = f"the repository has more than {self.limits.files} manifests (limits.files)"
            return Complaint("TooManyFiles", message, "delete what has ended, or write sets")
        if self.content_bytes > self.limits.content_mib * _MIB:
            message = (
                f"the manifests have more than {self.limits.content_mib} MiB (limits.content_mib)"
            )
            return Complaint("TooMuchContent", message, "delete what has ended, or write sets")
        return None

    def spend(self, parsed: Parsed) -> Complaint | None:
        """Count what was read; return why it isn't taken: its sets aren't even resolved then."""
        self.content_bytes += parsed.size_bytes
        self.items += parsed.items
        if not parsed.items or self.items <= self.limits.manifests:
            return None
        message = (
            f"the sets up to this file have more than {self.limits.manifests} items "
            "(limits.manifests)"
        )
        return Complaint("TooManyItems", message, "make them smaller, or delete what has ended")
