"""Times as policy counts them, milliseconds since 1970, and as everybody else does. No floats."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def epoch_ms(at: datetime) -> int:
    """Return milliseconds since the epoch."""
    return (at - _EPOCH) // _MILLISECOND  # a float would lose one now and then


def from_epoch_ms(at_ms: int) -> datetime:
    """Return the time, in UTC, that is so many milliseconds after the epoch."""
    return _EPOCH + at_ms * _MILLISECOND


def is_within(duration: timedelta, since: datetime, now: datetime) -> bool:
    """Tell whether ``now`` comes less than ``duration`` after ``since``, and not before it.

    A time that lies ahead was told by a clock that has been set back since, or by another host's:
    who waited for it, and then as long as he is to, would wait an hour for a second.
    """
    return timedelta() <= now - since < duration
