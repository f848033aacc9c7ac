"""The option of a time: a date, a moment, or how long ago."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import click

from reconciler.clock import SystemClock
from reconciler.manifest.diagnostic import Complaint
from reconciler.manifest.quantities import duration_ms

_YEARS = range(1971, 9999)
"""What can be reckoned with, some days before and after it included."""

_NEVER = datetime.min.replace(tzinfo=UTC)


class Moment(click.ParamType[datetime]):
    """Turns ``30d`` (ago), ``2026-11-22`` (its first minute here) or a moment into a time."""

    name = "30d|DATE"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Return the time, in UTC."""
        if isinstance(value, datetime):
            return value
        try:
            return SystemClock().now() - timedelta(milliseconds=duration_ms(value))
        except Complaint:
            pass
        try:
            # Without an offset it is the reader's own clock.
            found = datetime.fromisoformat(value).astimezone(UTC)
        except (ValueError, OverflowError):
            found = _NEVER
        if found.year not in _YEARS:
            self.fail(f"{value!r} is no time: write 30d, 2026-11-22 or 2026-11-22T14:20Z", param)
        return found


MOMENT = Moment()
