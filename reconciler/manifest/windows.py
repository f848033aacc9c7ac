"""Spans of time and schedules: once, or again and again by cron fields in a time zone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from reconciler.manifest import times
from reconciler.manifest.build import Builder, bound
from reconciler.manifest.diagnostic import Complaint, Path
from reconciler.manifest.quantities import duration_text
from reconciler.manifest.spec import Overlap, Schedule, Window

_MILLISECOND = timedelta(milliseconds=1)


def build_window(value: Mapping[str, Any], builder: Builder, path: Path) -> Window:
    """Return a span of time; problems are left in ``builder``."""
    start, cron = value.get("start"), value.get("cron")
    _check_kind(value, builder, path)
    window = Window(
        duration_ms=bound(value, "duration", builder, path) or 0,
        start=builder.measured(times.moment, start, (*path, "start"), None) if start else None,
        cron=builder.measured(times.cron, cron, (*path, "cron"), "") if cron else "",
        timezone=_timezone(value, builder, path),
    )
    if window.cron and _overlaps_itself(window):
        length = duration_text(window.duration_ms)
        message = f"it lasts {length}, but begins again before that"
        remedy = "shorten it, or let it begin less often"
        complaint = Complaint("WindowOverlapsItself", message, remedy)
        builder.problems.append(complaint.at((*path, "duration")))
    return window


def _check_kind(value: Mapping[str, Any], builder: Builder, path: Path) -> None:
    if "start" not in value and "cron" not in value:
        remedy = "add start: for a single time, or cron: for one that comes again"
        complaint = Complaint("MissingKey", "neither start nor cron is there", remedy)
        builder.problems.append(complaint.at(path, at_key=True))
    for key in ("cron", "timezone"):
        if "start" in value and key in value:
            message = f"start and {key} are both there"
            remedy = f"remove {key}" + ("; start has its offset" if key == "timezone" else "")
            complaint = Complaint("Contradiction", message, remedy)
            builder.problems.append(complaint.at((*path, key), at_key=True))


def _overlaps_itself(window: Window) -> bool:
    return times.shortest_gap(window.cron) < window.duration_ms * _MILLISECOND


def build_schedule(value: Mapping[str, Any], builder: Builder, path: Path) -> Schedule:
    """Return when an execution runs again and again; problems are left in ``builder``."""
    return Schedule(
        cron=builder.measured(times.cron, value["cron"], (*path, "cron"), ""),
        timezone=_timezone(value, builder, path),
        overlap=Overlap(value.get("overlap", Overlap.FORBID)),
        start_deadline_ms=bound(value, "startDeadline", builder, path),
        keep=value.get("keep", 5),
    )


def _timezone(value: Mapping[str, Any], builder: Builder, path: Path) -> str:
    return builder.measured(times.timezone, value.get("timezone", "UTC"), (*path, "timezone"), "")
