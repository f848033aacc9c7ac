"""How it went: running and waiting, reserved and total, waits, and how long passes took."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One bucket of time, from ``at`` on. Means over its passes; None: there was none."""

    at: datetime
    running: int | None = None
    waiting: int | None = None
    cpu_millis: int | None = None
    cpu_reserved_millis: int | None = None
    memory_bytes: int | None = None
    memory_reserved_bytes: int | None = None
    pass_ms: int | None = None
    longest_pass_ms: int | None = None
    wait_p50_ms: int | None = None
    wait_p95_ms: int | None = None
    started: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """Points of one width each, oldest first; waits are of those that started in the bucket."""

    since: datetime
    until: datetime
    bucket_ms: int
    points: tuple[Point, ...]
    sentence: str
