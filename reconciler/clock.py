"""The wall clock, which nothing else reads, and one that only goes on."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class SystemClock:
    """Time as this machine has it, in UTC, cut to milliseconds."""

    def now(self) -> datetime:
        """Return the time."""
        now = datetime.now(UTC)  # noqa: TID251 - this is the clock
        return now.replace(microsecond=now.microsecond // 1000 * 1000)


def elapsed_s() -> float:
    """Return seconds since some moment: never set, and going on while the machine sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
