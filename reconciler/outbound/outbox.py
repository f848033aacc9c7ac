"""PURE: what is to be told to forges and people, and which of it is sent next.

A letter is the newest content under a key of a target, beside a digest of what the target got
last: it is to be sent while the two differ. So only changes are sent, a newer state takes the
place of one that wasn't sent yet, and what is lost in a crash is sent again. Nothing secret is in
a letter: credentials are read when it is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from policy.model.execution import Uid
from reconciler import canonical
from reconciler.converge.backoff import backoff

GIVEN_UP_AFTER = timedelta(days=1)
"""What couldn't be sent for so long isn't news any more."""

LONGEST_PAUSE = timedelta(hours=6)
"""No target can silence us for longer by its Retry-After."""

FINAL_STATUSES_KEPT = 50
"""So many of the statuses that a forge takes for a commit are kept for its final states."""


class State(StrEnum):
    """What a status says of a commit; each forge has words of its own for these."""

    PENDING = "pending"
    SUCCESS = "success"
    FAILURE = "failure"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitStatus:
    """One claim about a commit. Its text holds no durations: they would change by themselves."""

    sha: str
    context: str
    state: State
    description: str
    url: str = ""

    @property
    def key(self) -> str:
        """What a newer status replaces: forges don't tell contexts apart by their case."""
        return f"status/{self.sha}/{self.context.lower()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PullComment:
    """The one comment of a pull request, in Markdown; ``url`` shows what didn't fit."""

    pull: int
    body: str
    url: str = ""

    @property
    def key(self) -> str:
        """There is one comment for each pull request."""
        return f"comment/{self.pull}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A transition of an execution, told once. ``kind`` says how it travels.

    ``url`` and ``recipients`` are where to, as the platform had it at the transition.
    """

    kind: str
    transition: str
    namespace: str
    name: str
    run: int
    uid: str
    reason: str
    message: str
    at: datetime
    commit: str = ""
    url: str = ""
    recipients: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Told once: the same transition at the same time is the same notice."""
        return f"notice/{self.uid}/{self.transition}/{self.at.isoformat()}"


Message = CommitStatus | PullComment | Notice


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """A message on its way into the outbox. Targets are ``forge:SOURCE`` and ``notify:NAME``."""

    target: str
    message: Message


def to_forge(source_id: str) -> str:
    """Return the target for what a source's forge is told."""
    return f"forge:{source_id}"


def to_people(name: str) -> str:
    """Return the target that the platform calls by a name."""
    return f"notify:{name}"


def digest(message: Message) -> str:
    """Return what a message's content is told apart by."""
    return canonical.digest(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A row of the outbox.

    ``sent_digest`` is that of what the target has ("" = nothing), ``remote_id`` its name there,
    ``sends`` how often it took one. ``is_closed``: given up until the content changes.
    """

    target: str
    message: Message
    changed_at: datetime
    due_at: datetime
    sent_digest: str = ""
    remote_id: str = ""
    sends: int = 0
    tries: int = 0
    error: str = ""
    is_closed: bool = False

    @property
    def key(self) -> str:
        """Its name among the letters of its target."""
        return self.message.key

    @property
    def is_waiting(self) -> bool:
        """Whether the target doesn't have this content yet, and still shall."""
        return not self.is_closed and digest(self.message) != self.sent_digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """The target has it now."""

    remote_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delayed:
    """It may go through later; the target may have said when."""

    error: str
    retry_after: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """This content will never be taken."""

    error: str


Outcome = Sent | Delayed | Refused


def settle(letter: Letter, outcome: Outcome, now: datetime) -> Letter:
    """Return a letter after a try: done, waiting for its next try, or given up."""
    match outcome:
        case Sent(remote_id=remote_id):
            return replace(
                letter,
                sent_digest=digest(letter.message),
                remote_id=remote_id or letter.remote_id,
                sends=letter.sends + 1,
                tries=0,
                error="",
            )
        case Refused(error=error):
            return replace(letter, tries=letter.tries + 1, error=error, is_closed=True)
        case Delayed(error=error):
            tries = letter.tries + 1
            return replace(
                letter,
                tries=tries,
                error=error,
                due_at=now + _delay(letter, tries, outcome),
                is_closed=now - letter.changed_at >= GIVEN_UP_AFTER,
            )


def pause_of(outcome: Outcome) -> timedelta | None:
    """Return how long the target wants to hear nothing at all, if it said so."""
    if isinstance(outcome, Delayed) and outcome.retry_after is not None:
        return min(outcome.retry_after, LONGEST_PAUSE)
    return None


def _delay(letter: Letter, tries: int, outcome: Delayed) -> timedelta:
    own = backoff(tries, Uid(f"{letter.target}/{letter.key}"))
    return max(own, pause_of(outcome) or timedelta())


def due(
    letters: Iterable[Letter],
    now: datetime,
    *,
    paused_until: Mapping[str, datetime],
    statuses_most: Callable[[str], int],
) -> tuple[Letter, ...]:
    """Return the letters to send now, the longest waiting first.

    Args:
        letters: Any letters; those that wait for nothing are left out.
        now: The time.
        paused_until: When a target wants to hear from us again.
        statuses_most: How many statuses a target takes for a commit and context; 0 = any number.
    """
    found = [
        letter
        for letter in letters
        if letter.is_waiting
        and letter.due_at <= now
        and paused_until.get(letter.target, now) <= now
        and _fits(letter, statuses_most(letter.target))
    ]
    return tuple(sorted(found, key=lambda letter: (letter.changed_at, letter.target, letter.key)))


def _fits(letter: Letter, most: int) -> bool:
    """Tell whether a forge takes one more; the last places are for states that mean something."""
    message = letter.message
    if not most or not isinstance(message, CommitStatus):
        return True
    kept = FINAL_STATUSES_KEPT if message.state is State.PENDING else 0
    return letter.sends < most - kept
