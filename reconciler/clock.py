"""The wall clock. Nothing else reads it."""

from __future__ import annotations

from datetime import UTC, datetime


class SystemClock:
    """Time as this machine has it, in UTC, cut to milliseconds."""

    def now(self) -> datetime:
        """Return the time."""
        now = datetime.now(UTC)  # noqa: TID251 - this is the clock
        return now.replace(microsecond=now.microsecond // 1000 * 1000)
