"""What happened: the events, filtered, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EventLine:
    """Something worth telling; ``namespace`` and ``name`` are "" where it concerns no one."""

    id: int
    at: datetime
    reason: str
    message: str
    namespace: str = ""
    name: str = ""
    commit: str = ""
    is_warning: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Events:
    """The newest first; ``next`` is the cursor of the older ones."""

    lines: tuple[EventLine, ...]
    next: str = ""
