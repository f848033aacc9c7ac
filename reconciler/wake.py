"""When the loop must look again though nothing happened: a clock alone changes something then."""

from __future__ import annotations

from datetime import datetime

from reconciler.converge.instants import from_epoch_ms
from reconciler.converge.world import Assessment
from reconciler.outbound.sender import Sender
from reconciler.snapshot_pace import SnapshotPace


def earliest(found: Assessment, snapshots: SnapshotPace, sender: Sender | None) -> datetime | None:
    """Return when a clock alone changes something: a back-off over, a lifetime reached, a grant."""
    times = [status.next_try_at for status in found.statuses if status.next_try_at]
    times += [found.wake_at] if found.wake_at else []
    times += [snapshots.due_at] if snapshots.due_at else []
    times += [sender.next_at] if sender and sender.next_at else []
    times += [
        from_epoch_ms(execution.ends_ms)
        for execution in found.snapshot.executions
        if execution.ends_ms is not None
    ]
    return min(times, default=None)
