"""Who waits, next first, in lines of those whom the rank tells apart by arrival and age alone.

So a decision ranks lines, of which there are few, instead of everybody who waits; in a line the
first come is first.
"""

from __future__ import annotations

import heapq
import itertools
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter

from policy.model.execution import Execution
from policy.rank import Key, Ranking, Tier


@dataclass(slots=True)
class _Line:
    """Executions in the order of arrival; those up to ``served`` have had their turn."""

    tier: Tier
    executions: list[Execution]
    served: int = 0

    @property
    def first(self) -> Execution:
        """Who is next in it."""
        return self.executions[self.served]


class Queue:
    """Everybody who waits. Falsy when all have had their turn."""

    def __init__(self, waiting: Sequence[Execution], ranking: Ranking) -> None:
        self._ranking = ranking
        self._tiebreak = itertools.count()
        lines: defaultdict[object, list[Execution]] = defaultdict(list)
        self._ordered = ordered = sorted(waiting, key=attrgetter("arrival"))
        for kind, execution in zip(ranking.kinds(ordered), ordered, strict=True):
            lines[kind].append(execution)
        # As they were ranked when the round began, whatever starts since.
        self._lines = [_Line(ranking.young_tier(line[0]), line) for line in lines.values()]
        self._heap = [self._entry(line) for line in self._lines]
        heapq.heapify(self._heap)

    def __bool__(self) -> bool:
        return bool(self._heap)

    @property
    def next_key(self) -> Key:
        """The key of who is next."""
        return self._heap[0][0]

    def pop(self) -> tuple[Execution, Key] | None:
        """Return who is next, with the key by which it may take from others.

        What started meanwhile decides who is next, but gives nobody a right to take that the next
        round wouldn't. None: the next has just fallen behind others; ask again.
        """
        key, _, line = self._heap[0]
        execution = line.first
        now = self._ranking.waiting(execution)
        if now > key:  # its namespace has just started another one
            heapq.heapreplace(self._heap, (now, next(self._tiebreak), line))
            return None
        line.served += 1
        if line.served < len(line.executions):
            following = self._ranking.waiting(line.first)
            heapq.heapreplace(self._heap, (following, next(self._tiebreak), line))
        else:
            heapq.heappop(self._heap)
        return execution, self._key(line, execution)

    def push(self, execution: Execution) -> None:
        """Put one back that started and had to yield."""
        tier, _ = self._ranking.waiting(execution)
        heapq.heappush(self._heap, self._entry(_Line(tier, [execution])))

    def ranked(self) -> Iterator[tuple[Key, Execution]]:
        """Yield everybody with their key as it was when the round began, in no order."""
        for line in self._lines:
            for execution in line.executions:
                yield self._key(line, execution), execution

    def firsts(self) -> Iterator[Execution]:
        """Yield who came first in each line."""
        return (line.executions[0] for line in self._lines)

    def since(self, queued_ms: int) -> Iterator[Execution]:
        """Yield who came after ``queued_ms``, in the order of arrival."""
        first = bisect_right(self._ordered, queued_ms, key=attrgetter("queued_ms"))
        return itertools.islice(self._ordered, first, None)

    def _entry(self, line: _Line) -> tuple[Key, int, _Line]:
        return (self._key(line, line.first), next(self._tiebreak), line)

    def _key(self, line: _Line, execution: Execution) -> Key:
        tier = self._ranking.aged_tier(execution) or line.tier
        return (tier, execution.arrival)
