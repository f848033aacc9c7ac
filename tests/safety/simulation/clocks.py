"""The clocks of hosts: each goes as the world does, and may be set."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.cluster.fake import VirtualClock

SET_BY_MS = (-3_600_000, -60_000, -5_000, 5_000, 60_000, 3_600_000)


@dataclass
class HostClock:
    """A ``ports.Clock``: off by so much, in milliseconds."""

    world: VirtualClock
    off_ms: int = 0

    def now(self) -> datetime:
        """Return what the host takes for the time."""
        return self.world.now() + timedelta(milliseconds=self.off_ms)
