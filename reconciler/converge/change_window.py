"""Change windows: outside of them an edit or a deletion doesn't touch what runs.

Everything else goes on: what is new starts, what ends has ended, what fails is tried again, and
lifetimes are kept. ``suspend: true`` is an edit like any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from reconciler.converge import calendar
from reconciler.manifest.platform import Platform

OUTSIDE = "OutsideChangeWindow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """No change window is open; the next one opens at ``until``, if any does."""

    message: str
    until: datetime | None

    @property
    def why(self) -> tuple[str, str]:
        """The code and the sentence of what is held for it."""
        return OUTSIDE, self.message


def closed(platform: Platform, *, now: datetime) -> Closed | None:
    """Return why what runs may not be changed now; None where it may."""
    windows = platform.change_windows
    if not windows or any(calendar.is_open(window, now=now) for window in windows):
        return None
    openings = [(at, w) for w in windows if (at := calendar.next_opening(w, now=now)) is not None]
    if not openings:
        return Closed(message="no change window is to come: platform.yaml lists none", until=None)
    at, window = min(openings, key=lambda opening: opening[0])
    told = f"waits for the next change window, at {calendar.on_the_wall(window, at)}"
    return Closed(message=told, until=at)
