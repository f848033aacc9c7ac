"""What is to come: reservations and recurring runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One window of a reservation. ``told`` says what it keeps, for whom."""

    name: str
    starts_at: datetime
    ends_at: datetime
    told: str
    is_open: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurring:
    """A manifest with a schedule: its rule in words, its next run, how the last one ended."""

    namespace: str
    name: str
    rule: str
    next_at: datetime | None = None
    last_at: datetime | None = None
    last_state: str = ""
    told: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """Windows by their start, recurring manifests by their next run."""

    windows: tuple[Window, ...] = ()
    recurring: tuple[Recurring, ...] = ()
    told: str = ""
