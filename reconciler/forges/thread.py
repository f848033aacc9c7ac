"""The comments of one pull request, and how the one that is ours comes to say what it shall.

Anybody can write our mark into a comment, so a marked comment is only taken over if the forge says
that it is ours: else its author could change what we seem to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from reconciler.errors import DeliveryRefused, TargetUnavailable
from reconciler.net.web_failures import NotThere


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A comment as the forge lists it."""

    id: str
    author: str
    body: str


class Thread(Protocol):
    """What a provider can do with the comments of one pull request."""

    def write(self, body: str) -> str:
        """Write a comment and return its id."""

    def edit(self, comment_id: str, body: str) -> None:
        """Replace a comment's text. Raises NotThere."""

    def oldest(self) -> list[Found]:
        """Return the oldest comments, as many as the forge lists at once."""

    def whoami(self) -> str:
        """Return us, as the authors of comments are told."""


def upsert(thread: Thread, body: str, *, mark: str, known_id: str) -> str:
    """Make our comment say ``body`` and return its id.

    One that was deleted is written again. Without a known id (the first time, or after a crash
    before it was stored) ours is looked for.
    """
    candidates = [known_id] if known_id else _ours(thread, mark)
    for candidate in candidates:
        try:
            thread.edit(candidate, body)
        except NotThere:
            continue
        return candidate
    return thread.write(body)


def _ours(thread: Thread, mark: str) -> list[str]:
    marked = [found for found in thread.oldest() if found.body.startswith(mark)]
    if not marked:
        return []
    try:
        us = thread.whoami()
    except (TargetUnavailable, DeliveryRefused):
        # Tokens of an app may not ask who they are: rather a second comment than a foreign one.
        return []
    return [found.id for found in marked if us and found.author == us][:1]
