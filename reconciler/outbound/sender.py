"""Empties the outbox, beside the loop: convergence never waits for a forge or a mail server.

Letters are sent one after the other, in a thread of its own; each request is bounded in time, and
what came of it is stored before the next one. A target that asks for a pause gets it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from concurrent.futures import Executor, Future
from datetime import datetime, timedelta

from reconciler.errors import DeliveryRefused, StoreUnavailable, TargetUnavailable
from reconciler.outbound.delivery import Forge, Notifier, Outbox
from reconciler.outbound.outbox import (
    CommitStatus,
    Delayed,
    Letter,
    Notice,
    Outcome,
    PullComment,
    Refused,
    Sent,
    due,
    pause_of,
    settle,
)
from reconciler.outbound.rate import Pace
from reconciler.ports import Clock
from reconciler.side import one_thread

log = logging.getLogger(__name__)

_DAY_S = 86_400.0


class Sender:
    """One round at a time. Targets that nobody configured here keep what they are to get."""

    def __init__(
        self,
        outbox: Outbox,
        *,
        forges: Mapping[str, Forge],
        notifiers: Mapping[str, Notifier],
        clock: Clock,
        executor: Executor | None = None,
    ) -> None:
        self._outbox = outbox
        self._forges = forges
        self._notifiers = notifiers
        self._clock = clock
        self._pace = Pace()
        self._paused_until: dict[str, datetime] = {}
        self._pool = executor or one_thread("send")
        self._flight: Future[None] | None = None
        self._is_closing = False
        self.next_at: datetime | None = None
        """When the next try is due, as far as the last round knew."""

    @property
    def is_busy(self) -> bool:
        """Whether a round is under way."""
        return self._flight is not None and not self._flight.done()

    def flush(self, *, wait: bool = False) -> None:
        """Begin a round unless one is under way; with ``wait``, a whole one from now on."""
        if wait and self._flight is not None:
            self._flight.result()
        if not self.is_busy:
            self._flight = self._pool.submit(self._round)
        if wait and self._flight is not None:
            self._flight.result()

    def close(self) -> None:
        """Finish the request under way and stop."""
        self._is_closing = True
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _round(self) -> None:
        try:
            self._send_all()
        except StoreUnavailable as error:
            log.warning("outbox not read", extra={"error": str(error)})
        except Exception:
            # A fault of ours in here mustn't silence everything else that is to be told.
            log.exception("a fault in the sender")

    def _send_all(self) -> None:
        letters = due(
            self._outbox.waiting_letters(),
            self._clock.now(),
            paused_until=self._paused_until,
            statuses_most=self._statuses_most,
        )
        silent: set[str] = set()
        for letter in letters:
            if self._is_closing:
                return
            # A target that fails isn't asked again in this round: each try may take its whole time.
            if letter.target not in silent and isinstance(self._send(letter), Delayed):
                silent.add(letter.target)
        now = self._clock.now()
        left = [letter.due_at for letter in self._outbox.waiting_letters()]
        self.next_at = min((at for at in left if at > now), default=None)

    def _statuses_most(self, target: str) -> int:
        forge = self._forges.get(target)
        return forge.statuses_most if forge else 0

    def _send(self, letter: Letter) -> Outcome | None:
        """Try a letter and store what came of it; None: not its turn."""
        now = self._clock.now()
        if not self._reaches(letter) or not self._pace.allows(letter.target, now):
            return None
        self._pace.note(letter.target, now)
        outcome = self._tried(letter)
        after = settle(letter, outcome, self._clock.now())
        if pause := pause_of(outcome):
            self._paused_until[letter.target] = self._clock.now() + pause
        self._outbox.record_delivery(letter, after)
        _log(letter, outcome, after)
        return outcome

    def _reaches(self, letter: Letter) -> bool:
        message = letter.message
        if isinstance(message, Notice):
            return message.kind in self._notifiers
        return letter.target in self._forges

    def _tried(self, letter: Letter) -> Outcome:
        try:
            return Sent(remote_id=self._hand_over(letter))
        except TargetUnavailable as error:
            seconds = error.retry_after_s
            pause = timedelta(seconds=min(seconds, _DAY_S)) if seconds is not None else None
            return Delayed(error=str(error), retry_after=pause)
        except DeliveryRefused as error:
            return Refused(error=str(error))
        except Exception as error:
            # A letter that we can't handle mustn't keep those behind it from being sent.
            log.exception("a fault in sending", extra={"target": letter.target, "key": letter.key})
            return Delayed(error=f"a fault in zoe itself: {type(error).__name__}")

    def _hand_over(self, letter: Letter) -> str:
        """Give a letter to its target and return its id there, if it has one."""
        match letter.message:
            case Notice() as notice:
                name = letter.target.partition(":")[2]
                now = self._clock.now()
                self._notifiers[notice.kind].deliver(notice, target=name, at=now)
                return ""
            case CommitStatus() as status:
                self._forges[letter.target].set_status(status)
                return ""
            case PullComment() as comment:
                return self._forges[letter.target].upsert_comment(comment, letter.remote_id)


def _log(letter: Letter, outcome: Outcome, after: Letter) -> None:
    extra = {"target": letter.target, "key": letter.key}
    match outcome:
        case Sent():
            log.info("told", extra=extra)
        case Delayed(error=error) | Refused(error=error):
            fields = {**extra, "error": error, "is_given_up": after.is_closed}
            log.warning("not told", extra=fields)
