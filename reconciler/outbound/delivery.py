"""The outside as the sender sees it: forges, ways to people, and the outbox that it empties."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from reconciler.outbound.outbox import CommitStatus, Letter, Notice, Posting, PullComment


class Forge(Protocol):
    """One repository at GitHub, GitLab, Gitea or Bitbucket."""

    @property
    def statuses_most(self) -> int:
        """Return how many statuses it takes for a commit and context; 0 = any number."""

    def look(self) -> None:
        """Ask for the repository: address and token fit if it answers. Raises as below."""

    def set_status(self, status: CommitStatus) -> None:
        """Set a commit's status; one that is there already is fine.

        Raises:
            TargetUnavailable: It may go through later.
            DeliveryRefused: It never will.
        """

    def upsert_comment(self, comment: PullComment, known_id: str) -> str:
        """Edit our comment of a pull request, or write it; return its id.

        Without a known id, one that carries our mark and is ours is taken over. Raises as
        :meth:`set_status`.
        """


class Notifier(Protocol):
    """One way to people or to their programs."""

    def deliver(self, notice: Notice, *, target: str, at: datetime) -> None:
        """Hand a notice over; ``target`` is the name that the platform gave it.

        It may come twice if we crash in between; the notice's key is the same then. Raises as
        :meth:`Forge.set_status`.
        """


class Outbox(Protocol):
    """The stored letters. Needs no lease: two senders at most say the same thing twice."""

    def waiting_letters(self) -> Sequence[Letter]:
        """Return the letters that are to be sent, whenever that is. Raises StoreUnavailable."""

    def is_known(self, posting: Posting) -> bool:
        """Tell whether just this was put into the outbox before, sent or not."""

    def is_sent(self, posting: Posting) -> bool:
        """Tell whether the target has just this content."""

    def record_delivery(self, before: Letter, after: Letter) -> None:
        """Store what came of a try, unless the content changed meanwhile. StoreUnavailable."""
