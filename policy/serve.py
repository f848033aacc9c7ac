"""Everybody is served once, in the order of rank: who runs grows, who waits starts."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Sequence

from policy.admit import Admission
from policy.assignment import Holding
from policy.grow import Growth
from policy.model.decision import NEVER, Wait
from policy.model.execution import Execution
from policy.rank import Key
from policy.round import Round
from policy.settings import Policy
from policy.windows import Windows

Waiting = tuple[Key, Execution, Key]
"""The key by which one is next, the execution, and the key that says from whom it may take."""


class Service:
    """One round of serving.

    Attributes:
        line: Who waits, in any order.
    """

    def __init__(self, round_: Round) -> None:
        self._round = round_
        self._windows = Windows(round_)
        self._growth = Growth(round_, self._windows)
        self._admission = Admission(round_, self._windows)
        waiting = [e for e in round_.snapshot.executions if not e.is_admitted]
        self.line: Sequence[Waiting] = [
            (key, e, key) for key, e in ((round_.ranking.waiting(e), e) for e in waiting)
        ]

    @property
    def started(self) -> Sequence[Holding]:
        """Who starts, in order; not a filler that had to yield again at once."""
        return [holding for holding in self._admission.started if not holding.is_stopped]

    def serve(self) -> None:
        """Serve everybody once."""
        round_ = self._round
        self._growth.trim()
        self._windows.open()
        turns = itertools.count()  # one that starts twice has the same key again
        growing = [(holding.key, next(turns), holding) for holding in round_.holdings]
        waiting = list(self.line)
        heapq.heapify(growing)
        heapq.heapify(waiting)
        tries = round_.settings.backfill_depth + 1 if round_.rules.skips else 1
        while growing or (waiting and tries):
            if growing and not (waiting and tries and waiting[0][0] < growing[0][0]):
                self._growth.grow(heapq.heappop(growing)[-1])
                continue
            key, execution, right = heapq.heappop(waiting)
            now = round_.ranking.waiting(execution)
            if now > key:  # its namespace has just started another one
                heapq.heappush(waiting, (now, execution, right))
                continue
            # What starts meanwhile decides who is next, but it gives nobody a right to take that
            # the next round wouldn't.
            started = self._admission.admit(execution, right)
            if started is not None:
                heapq.heappush(growing, (started.key, next(turns), started))
                for other in self._yielded():
                    heapq.heappush(waiting, other)
            elif self._admission.holds_up(execution):
                tries -= 1
        self._growth.give_what_is_left(somebody_waits=self._admission.somebody_waits)
        self._wake_for_ageing()

    def _yielded(self) -> Iterable[Waiting]:
        """Take back, and yield, who started but had to yield at once: there may be other room."""
        round_, started = self._round, self._admission.started
        gone = [h for h in started if h.is_stopped] if round_.yields else ()
        for holding in gone:
            started.remove(holding)
            key = round_.ranking.waiting(holding.execution)
            yield key, holding.execution, key

    def waits(self) -> tuple[Wait, ...]:
        """Return the queue in order, each with its reason; those who can't start come last."""
        started = {holding.execution.uid for holding in self.started}
        line = [e for _, e, _ in sorted(self.line) if e.uid not in started]
        why = {e.uid: self._admission.reason(e) for e in line}
        line.sort(key=lambda e: why[e.uid].code in NEVER)
        return tuple(
            Wait(uid=e.uid, position=position, reason=why[e.uid])
            for position, e in enumerate(line, start=1)
        )

    def _wake_for_ageing(self) -> None:
        round_ = self._round
        if round_.settings.policy is Policy.FAIR:
            for _, execution, _ in self.line:
                if not execution.is_filler:
                    round_.wake_at(execution.queued_ms + round_.settings.ageing_ms)
