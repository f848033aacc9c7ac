"""Cron fields in words, where there are plain ones; else the fields as they are written."""

from __future__ import annotations

import re
from collections.abc import Sequence

from policy.words import listed

_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SHORT = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_NUMBERS = re.compile(r"\d{1,2}(?:,\d{1,2}){0,11}")
_STEP = re.compile(r"\*/(\d{1,2})")


def words(cron: str, timezone: str) -> str:
    """Return when a schedule recurs: ``every day at 02:00, Europe/Paris``."""
    minute, hour, day, month, weekday = cron.split()
    told = None
    if (day, month, weekday) == ("*", "*", "*"):
        told = _within_a_day(minute, hour)
    if told is None and (times := _times(minute, hour)) and month == "*":
        which = _which_days(day, weekday)
        told = f"{which} at {times}" if which else None
    return f"{told or f'by cron {cron}'}, {timezone}"


def _within_a_day(minute: str, hour: str) -> str | None:
    """Return what comes again within a day, at even steps; None where that isn't so."""
    if hour == "*":
        step = 1 if minute == "*" else _even_step(minute, 60)
        if step is not None:
            return "every minute" if step == 1 else f"every {step} minutes"
        if minute.isdigit():
            return f"every hour, {minute} min past" if int(minute) else "every full hour"
    step = _even_step(hour, 24)
    if step is not None and minute.isdigit():
        past = f", {minute} min past" if int(minute) else ""
        return f"every {step} hours{past}" if step > 1 else f"every hour{past}"
    return None


def _even_step(field: str, whole: int) -> int | None:
    match = _STEP.fullmatch(field)
    step = int(match[1]) if match else 0
    return step if step and whole % step == 0 else None


def _times(minute: str, hour: str) -> str:
    """Return the times of day; "" where they aren't a few plain ones."""
    if not (minute.isdigit() and _NUMBERS.fullmatch(hour)):
        return ""
    hours = sorted({int(part) for part in hour.split(",")})
    return listed([f"{h:02d}:{int(minute):02d}" for h in hours], most=12)


def _which_days(day: str, weekday: str) -> str:
    if (day, weekday) == ("*", "*"):
        return "every day"
    if weekday == "*" and _NUMBERS.fullmatch(day):
        days = sorted({int(part) for part in day.split(",")})
        return f"on day {listed([str(d) for d in days], most=12)} of each month"
    if day == "*":
        return _weekdays(weekday)
    return ""  # either of the two: nothing that a few words say


def _weekdays(field: str) -> str:
    first, dash, last = field.partition("-")
    if dash:
        begin, end = _weekday(first), _weekday(last)
        return "" if begin is None or end is None else f"{_DAYS[begin]} to {_DAYS[end]}"
    numbers = [_weekday(part) for part in field.split(",")]
    found: Sequence[int] = [number for number in numbers if number is not None]
    if len(found) < len(numbers):
        return ""
    return f"on {listed([_DAYS[number] for number in found], most=7)}"


def _weekday(text: str) -> int | None:
    if text.upper() in _SHORT:
        return _SHORT.index(text.upper())
    return int(text) if text.isdigit() and int(text) < len(_DAYS) else None
