"""When the snapshot for whoever asks is written, too: all of it, so not always where it is much."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from policy.model.cluster import Snapshot
from reconciler.converge.instants import is_within
from reconciler.converge.moves import pace

EACH = timedelta(milliseconds=2)
"""To write one that has changed takes 0.02 ms: a hundredth of the time goes into it."""


@dataclass(slots=True)
class SnapshotPace:
    """When it was written last; ``due_at`` is when to write what it has fallen behind by."""

    due_at: datetime | None = None
    _written_at: datetime | None = None

    @property
    def is_behind(self) -> bool:
        """Whether something was stored without the snapshot that it led to."""
        return self.due_at is not None

    def is_due(self, snapshot: Snapshot, now: datetime) -> bool:
        """Tell whether it is to be written with what is stored now."""
        since = self._written_at
        return since is None or not is_within(_pace(snapshot), since, now)

    def stored(self, snapshot: Snapshot, now: datetime, *, with_it: bool) -> None:
        """Remember what was written, as it is in the database now."""
        if with_it:
            self._written_at, self.due_at = now, None
        elif self._written_at is not None:
            self.due_at = self._written_at + _pace(snapshot)


def _pace(snapshot: Snapshot) -> timedelta:
    return pace(len(snapshot.executions), EACH)
