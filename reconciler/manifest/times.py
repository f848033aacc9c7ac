"""Moments, time zones and cron fields as people write them. Nothing here knows what time it is."""

from __future__ import annotations

import re
import zoneinfo
from datetime import UTC, datetime, timedelta

from cronsim import CronSim, CronSimError

from reconciler.manifest.diagnostic import Complaint, quoted
from reconciler.manifest.suggest import closest

_MOMENT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?)"
    r"(Z|z|[+-][0-9]{2}:[0-9]{2})?"
)
_EXAMPLE = "2026-09-01T14:00:00+02:00"
_YEARS = range(2000, 2101)
# Where looking for cron's times begins. Any leap year would do.
_BASE = datetime(2000, 1, 1, tzinfo=UTC)
_GAPS = 60
_RANGES = {
    "minute": "0 to 59",
    "hour": "0 to 23",
    "day-of-month": "1 to 31, L or LW",
    "month": "1 to 12, or JAN to DEC",
    "day-of-week": "0 to 7, or SUN to SAT",
}
_SHORTHANDS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
# On some machines names of zones; what they mean is a setting of that machine.
_NO_ZONES = frozenset({"localtime", "posixrules", "Factory"})


def moment(value: object) -> datetime:
    """Return the moment, in UTC, of ``2026-09-01T14:00:00+02:00`` (RFC 3339; seconds may lack).

    Raises:
        Complaint: It isn't one, has no offset, or is in another century.
    """
    text = str(value)
    match = _MOMENT.fullmatch(text)
    if match is None:
        message = f"{quoted(value)} isn't a moment with its offset"
        raise Complaint("BadTime", message, f'write "{_EXAMPLE}"')
    if match[2] is None:
        message = f"{quoted(value)} doesn't say in which time zone"
        raise Complaint("BadTime", message, f"write {text}+02:00, or {text}Z for UTC")
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        message = f"{quoted(value)} is no date or time that there is"
        raise Complaint("BadTime", message, f"write one such as {_EXAMPLE}") from error
    if found.year not in _YEARS:
        message = f"{quoted(value)} isn't between {_YEARS[0]} and {_YEARS[-1]}"
        raise Complaint("OutOfRange", message, f"write one such as {_EXAMPLE}")
    return found.astimezone(UTC)


def timezone(value: object) -> str:
    """Return the name of a time zone that there is.

    Raises:
        Complaint: There is none of that name.
    """
    name = str(value)
    try:
        if name not in _NO_ZONES:
            zoneinfo.ZoneInfo(name)
            return name
    except (KeyError, ValueError, OSError):
        pass
    near = closest(name, zoneinfo.available_timezones() - _NO_ZONES)
    remedy = f"did you mean {near}?" if near else "write one such as Europe/Paris, or UTC"
    raise Complaint("UnknownTimeZone", f"no time zone {quoted(name)}", remedy)


def cron(value: object) -> str:
    """Return five cron fields that come true at some time, with single blanks between them.

    Raises:
        Complaint: They can't be read, or never come true.
    """
    fields = str(value).split()
    if len(fields) != 5:
        example = _SHORTHANDS.get(str(value).lower(), "0 2 * * *")
        remedy = f'write minute, hour, day, month and day of week: "{example}"'
        raise Complaint("BadCron", f"{quoted(value)} isn't five fields", remedy)
    text = " ".join(fields)
    if (field := _unreadable(fields)) is not None:
        message = f"the {field.replace('-', ' ')} of {quoted(value)} can't be read"
        raise Complaint("BadCron", message, f"write {_RANGES.get(field, '* or a number')}")
    try:
        next(CronSim(text, _BASE))
    except (CronSimError, StopIteration) as error:
        message = f"{quoted(value)} never comes: no month has that day"
        raise Complaint("NeverDue", message, "choose another day or month") from error
    return text


def _unreadable(fields: list[str]) -> str | None:
    """Return the name of the field that can't be read, if there is one."""
    try:
        # Without its month: a day that the month doesn't have is another fault.
        CronSim(" ".join([*fields[:3], "*", fields[4]]), _BASE)
        CronSim(" ".join(["*", "*", "*", fields[3], "*"]), _BASE)
    except CronSimError as error:
        return str(error).removeprefix("Bad ")
    return None


def shortest_gap(fields: str) -> timedelta:
    """Return the least time between two times in a row of what :func:`cron` returned.

    In UTC: the hour that a time zone skips once a year doesn't count.
    """
    times = CronSim(fields, _BASE)
    gap = timedelta.max
    before: datetime | None = None
    for _, found in zip(range(_GAPS), times, strict=False):
        gap = min(gap, found - before) if before else gap
        before = found
    return gap
