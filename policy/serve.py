"""Everybody is served once, in the order of rank: who runs grows, who waits starts."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Sequence

from policy.admit import Admission
from policy.assignment import Holding
from policy.grow import Growth
from policy.model.decision import NEVER, Wait
from policy.model.execution import Execution
from policy.rank import NO_KEY
from policy.round import Round
from policy.windows import Windows


class Service:
    """One round of serving."""

    def __init__(self, round_: Round) -> None:
        self._round = round_
        self._windows = Windows(round_)
        self._growth = Growth(round_, self._windows)
        self._admission = Admission(round_, self._windows)

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
        growing = [
            (holding.key, next(turns), holding)
            for holding in round_.holdings
            if holding.key is not NO_KEY
        ]
        heapq.heapify(growing)
        queue = round_.queue
        tries = round_.settings.backfill_depth + 1 if round_.rules.skips else 1
        while growing or (queue and tries):
            if growing and not (queue and tries and queue.next_key < growing[0][0]):
                self._growth.grow(heapq.heappop(growing)[-1])
                continue
            turn = queue.pop()
            if turn is None:
                continue
            execution, right = turn
            mark = round_.assignment.mark()
            started = self._admission.admit(execution, right)
            if started is not None:
                # Who gave for it may use what that left over: its turn comes again, in its order.
                gave = {holding for holding, *_ in round_.assignment.taken_back(mark)}
                for holding in (started, *gave):
                    if holding.key is not NO_KEY and not holding.is_stopped:
                        heapq.heappush(growing, (holding.key, next(turns), holding))
                for other in self._yielded():
                    queue.push(other)
            elif self._admission.holds_up(execution):
                tries -= 1
        self._growth.give_what_is_left(somebody_waits=self._admission.somebody_waits)
        self._wake_for_ageing()

    def _yielded(self) -> list[Execution]:
        """Take back, and return, who started but had to yield: there may be room elsewhere."""
        started = self._admission.started
        gone = [h for h in started if h.is_stopped] if self._round.yields else []
        for holding in gone:
            started.remove(holding)
        return [holding.execution for holding in gone]

    def waits(self) -> tuple[Wait, ...]:
        """Return the queue in order, each with its reason; those who can't start come last."""
        started = {holding.execution.uid for holding in self.started}
        line = [e for _, e in sorted(self._round.queue.ranked()) if e.uid not in started]
        why = {e.uid: self._admission.reason(e) for e in line}
        line.sort(key=lambda e: why[e.uid].code in NEVER)
        return tuple(
            Wait(uid=e.uid, position=position, reason=why[e.uid])
            for position, e in enumerate(line, start=1)
        )

    def _wake_for_ageing(self) -> None:
        round_ = self._round
        if round_.rules.ages:
            ageing_ms = round_.settings.ageing_ms
            young = round_.queue.since(round_.now_ms - ageing_ms)
            if (first := next((e for e in young if not e.is_filler), None)) is not None:
                round_.wake_at(first.queued_ms + ageing_ms)
