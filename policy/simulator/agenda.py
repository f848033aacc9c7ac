"""When running applications end, as far as it is known now."""

from __future__ import annotations

from heapq import heappop, heappush

from policy.model.execution import Uid


class Agenda:
    """Due times by uid, the earliest first; a new one replaces the old."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, Uid]] = []
        self._due: dict[Uid, int] = {}

    def set(self, uid: Uid, due_ms: int | None) -> None:
        """Say when ``uid`` is due; None: not at all."""
        if due_ms is None:
            self._due.pop(uid, None)
        elif self._due.get(uid) != due_ms:
            self._due[uid] = due_ms
            heappush(self._heap, (due_ms, uid))

    def next_ms(self) -> int | None:
        """Return the earliest due time."""
        while self._heap:
            due_ms, uid = self._heap[0]
            # What was set anew, or taken off, leaves its old entry behind.
            if self._due.get(uid) == due_ms:
                return due_ms
            heappop(self._heap)
        return None

    def take(self, until_ms: int) -> list[tuple[int, Uid]]:
        """Take off all that is due by ``until_ms``, in order."""
        taken: list[tuple[int, Uid]] = []
        while (due_ms := self.next_ms()) is not None and due_ms <= until_ms:
            _, uid = heappop(self._heap)
            del self._due[uid]
            taken.append((due_ms, uid))
        return taken
