"""Times as people read them on their own clock."""

from __future__ import annotations

from datetime import datetime, timedelta

from policy.words import format_duration
from reconciler.converge.instants import from_epoch_ms

_DAY = timedelta(days=1)


def at(moment: datetime, *, now: datetime) -> str:
    """Return a time on the local clock: ``14:20``, ``tomorrow 09:00``, ``Fri 27 Nov 09:00``."""
    local, today = moment.astimezone(), now.astimezone().date()
    clock = local.strftime("%H:%M")
    if local.date() == today:
        return clock
    if local.date() == today + _DAY:
        return f"tomorrow {clock}"
    if local.date() == today - _DAY:
        return f"yesterday {clock}"
    return f"{local.strftime('%a')} {local.day} {local.strftime('%b')} {clock}"


def age(moment: datetime, *, now: datetime) -> str:
    """Return how long ago something was: ``2 min ago``."""
    passed_ms = (now - moment) // timedelta(milliseconds=1)
    return "just now" if passed_ms < 1000 else f"{format_duration(passed_ms)} ago"


def iso(moment_ms: int | None) -> str | None:
    """Return a time of policy's for machines."""
    return None if moment_ms is None else from_epoch_ms(moment_ms).isoformat(timespec="seconds")
