"""Amounts as Compose writes them to ours: its units of memory are binary, its durations Go's."""

from __future__ import annotations

import re
from decimal import ROUND_UP, Decimal
from typing import Any

from reconciler.importing.compose.reading import plain_text
from reconciler.manifest.quantities import (
    MAX_CPU_MILLIS,
    MAX_DURATION_MS,
    MAX_MEMORY_BYTES,
    cpus_text,
    duration_text,
    memory_text,
)
from reconciler.manifest.scalars import Number

_MEMORY = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,9})?) ?([kmgt]?)i?b?", re.IGNORECASE)
_CPUS = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,9})?|\.[0-9]{1,9}")
_PART = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,9})?)(ns|us|µs|ms|s|m|h|d|w)")
_FACTORS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
_UNITS_MS = {
    "ns": Decimal("0.000001"),
    "us": Decimal("0.001"),
    "µs": Decimal("0.001"),
    "ms": Decimal(1),
    "s": Decimal(1000),
    "m": Decimal(60_000),
    "h": Decimal(3_600_000),
    "d": Decimal(86_400_000),
    "w": Decimal(604_800_000),
}


def memory(value: Any) -> str | None:
    """Return an amount of memory in our units; None if it isn't one."""
    match = _MEMORY.fullmatch(plain_text(value).strip())
    if match is None:
        return None
    amount = int(Decimal(match[1]) * _FACTORS[match[2].lower()])
    return memory_text(amount) if 0 <= amount <= MAX_MEMORY_BYTES else None


def cpus(value: Any) -> int | Number | None:
    """Return a number of CPUs, in steps of a thousandth; None if it isn't one."""
    text = plain_text(value).strip()
    if not _CPUS.fullmatch(text):
        return None
    millis = int((Decimal(text) * 1000).to_integral_value(ROUND_UP))
    if millis > MAX_CPU_MILLIS:
        return None
    return millis // 1000 if millis % 1000 == 0 else Number(cpus_text(millis))


def duration(value: Any) -> str | None:
    """Return a length of time, at least a millisecond if it is any; None if it isn't one."""
    text = plain_text(value).strip()
    if text == "0":
        return "0s"
    parts = _PART.findall(text)
    if not parts or "".join(count + unit for count, unit in parts) != text:
        return None
    total = sum((Decimal(count) * _UNITS_MS[unit] for count, unit in parts), Decimal(0))
    millis = int(total.to_integral_value(ROUND_UP))
    return duration_text(millis) if millis <= MAX_DURATION_MS else None


def count(value: Any) -> int | None:
    """Return a whole number that isn't negative; None if it isn't one."""
    text = plain_text(value).strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 12 else None
