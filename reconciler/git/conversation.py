"""Talking with a remote about one branch: in this process, or in one that can be ended.

Both are asked by whoever has the mirror's lock. Over a network only the second is safe: what
unfolds into gigabytes, or goes on for ever, takes its process along (``fetchers``).
"""

from __future__ import annotations

from typing import Protocol

from reconciler.config import SourceSettings
from reconciler.errors import SourceUnavailable
from reconciler.git import transfer
from reconciler.git.access import Access
from reconciler.git.fetchers import Fetchers
from reconciler.git.mirror import Mirror
from reconciler.git.objects import Objects


class Conversation(Protocol):
    """How the remote of a mirror is reached. Each method raises SourceUnavailable."""

    def pull(self, mirror: Mirror, objects: Objects, *, branch: str, into: str) -> str | None:
        """Bring a branch into a ref of the mirror; return its tip, None where it isn't there.

        Raises:
            RepositoryCorrupt: The failure is the mirror's.
        """

    def push(self, mirror: Mirror, *, ref: str, branch: str) -> str | None:
        """Offer a ref of the mirror as the branch; return the refusal, if it is one."""

    def replace(self, mirror: Mirror, *, ref: str, branch: str, tip: str) -> str | None:
        """Put a ref in the place of a branch that is at ``tip``; return the refusal, if any."""

    def offers(self, mirror: Mirror, *, branch: str) -> bool:
        """Tell whether the remote has the branch, asked as somebody who wants to push."""


class Here:
    """In this process."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def pull(self, mirror: Mirror, objects: Objects, *, branch: str, into: str) -> str | None:
        """Pull."""
        repository = mirror.opened()
        return transfer.pull(repository, objects, self._access, branch=branch, into=into).tip

    def push(self, mirror: Mirror, *, ref: str, branch: str) -> str | None:
        """Push."""
        return transfer.push(mirror.opened(), self._access, ref=ref, branch=branch)

    def replace(self, mirror: Mirror, *, ref: str, branch: str, tip: str) -> str | None:
        """Replace."""
        return transfer.replace(mirror.opened(), self._access, ref=ref, branch=branch, tip=tip)

    def offers(self, mirror: Mirror, *, branch: str) -> bool:
        """Ask."""
        return branch in transfer.offered(mirror.opened(), self._access)


class Apart:
    """In a process of its own, within its bounds."""

    def __init__(self, settings: SourceSettings, fetchers: Fetchers) -> None:
        self._settings, self._fetchers = settings, fetchers

    def pull(self, mirror: Mirror, objects: Objects, *, branch: str, into: str) -> str | None:
        """Pull."""
        before = objects.reference(into)
        try:
            return self._ask("pull", mirror, branch=branch, into=into)
        except SourceUnavailable:
            if before is not None:
                # A damaged repository of our own fails fetches too, with errors like a remote's.
                objects.tree(before)
            raise

    def push(self, mirror: Mirror, *, ref: str, branch: str) -> str | None:
        """Push."""
        return self._ask("push", mirror, branch=branch, ref=ref)

    def replace(self, mirror: Mirror, *, ref: str, branch: str, tip: str) -> str | None:
        """Replace."""
        return self._ask("replace", mirror, branch=branch, ref=ref, tip=tip)

    def offers(self, mirror: Mirror, *, branch: str) -> bool:
        """Ask."""
        return self._ask("offers", mirror, branch=branch) is not None

    def _ask(self, what: str, mirror: Mirror, **given: str) -> str | None:
        mirror.opened()  # made here, where it is read
        try:
            return self._fetchers.ask(self._settings, mirror.directory, what, **given)
        except SourceUnavailable:
            mirror.sweep()  # one that was ended leaves its locks
            raise
