"""Trying changes out: what ``decide`` says of a waiting execution once they are made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from policy.model.cluster import Snapshot
from policy.model.decision import Decision
from policy.model.execution import Uid
from policy.remedy.change import Change
from policy.scheduler import decide
from policy.settings import PolicySettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A snapshot in which ``uid`` waits."""

    snapshot: Snapshot
    settings: PolicySettings
    uid: Uid

    def after(self, changes: Sequence[Change]) -> Snapshot:
        """Return the snapshot with changes made one after the other."""
        snapshot = self.snapshot
        for change in changes:
            snapshot = change.applied(snapshot, self.uid)
        return snapshot

    def starts(self, *changes: Change) -> bool:
        """Tell whether the execution starts at once after these changes."""
        return starts(decide(self.after(changes), self.settings), self.uid)

    def least(self, change: Callable[[int], Change], low: int, high: int) -> Change | None:
        """Return the change with the least number from ``low`` to ``high`` that lets it start.

        Where a larger one helps, so does every one above it: that is taken for granted, and only
        what is returned has been tried.
        """
        if low > high or not self.starts(change(high)):
            return None
        while low < high:
            middle = (low + high) // 2
            if self.starts(change(middle)):
                high = middle
            else:
                low = middle + 1
        return change(high)


def starts(decision: Decision, uid: Uid) -> bool:
    """Tell whether a decision starts an execution."""
    return any(start.uid == uid for start in decision.starts)
