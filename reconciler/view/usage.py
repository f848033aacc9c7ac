"""Accounting: who used how much, from what was recorded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """One row. Exact integers; ``core_hours`` and ``gib_hours`` say them to one decimal."""

    key: str
    executions: int
    cpu_milli_ms: int
    memory_byte_ms: int
    core_hours: str
    gib_hours: str
    wait_median_ms: int | None = None
    ended: int = 0
    failed: int = 0
    failed_share: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Rows by what is asked for: ``namespace``, ``zapp`` or ``label:KEY``, the largest first."""

    by: str
    since: datetime
    until: datetime
    rows: tuple[Used, ...]
    total: Used
