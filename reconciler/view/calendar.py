"""What is to come: reservations and recurring runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from policy.model.execution import Uid
from policy.model.resources import format_amount
from policy.words import listed
from reconciler.converge import calendar
from reconciler.converge.runs import is_scheduled, time_of
from reconciler.manifest import spec
from reconciler.reporting.records import Board
from reconciler.view.recurrence import words

AHEAD = timedelta(days=14)
MOST_EACH = 50
"""Windows of one reservation: more than that are nothing that people look up."""


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
    """A manifest with a schedule: its rule in words, its next run, how the last one ended.

    ``last_at`` is when that one was due. ``told`` says why no next run is known.
    """

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


def of(board: Board, documents: Mapping[Uid, Mapping[str, Any]], *, now: datetime) -> Calendar:
    """Return what comes in the two weeks after ``now``, and what is open.

    Args:
        board: Reservations and recurrences (``Picture.board``).
        documents: Status documents, for how the last runs went (``Picture.documents``).
        now: The time from which on it is to come.
    """
    windows = sorted(
        (window for told in board.reservations for window in _windows(told, now)),
        key=lambda window: (window.starts_at, window.name),
    )
    newest = _newest_runs(documents.values())
    recurring = sorted(
        (_recurring(told, newest, now) for told in board.recurrences),
        key=lambda one: (one.next_at is None, one.next_at or now, one.namespace, one.name),
    )
    return Calendar(
        windows=tuple(windows), recurring=tuple(recurring), told=_told(windows, recurring)
    )


def _windows(told: Mapping[str, Any], now: datetime) -> Iterator[Window]:
    window = told["window"]
    start = window.get("start")
    found = calendar.spans(
        spec.Window(
            duration_ms=window["durationMs"],
            start=datetime.fromisoformat(start) if start else None,
            cron=window.get("cron", ""),
            timezone=window.get("timezone", "UTC"),
        ),
        now=now,
        until=now + AHEAD,
    )
    for span in islice((span for span in found if span.ends_at > now), MOST_EACH):
        yield Window(
            name=told["name"],
            starts_at=span.starts_at,
            ends_at=span.ends_at,
            told=_keeps(told),
            is_open=span.holds(now),
        )


def _keeps(told: Mapping[str, Any]) -> str:
    """Return what a reservation keeps, and for whom."""
    count = told.get("slots", 0)
    if count:
        amounts = ", ".join(format_amount(name, n) for name, n in told.get("slot", {}).items() if n)
        what = f"{count} slot{'s' if count > 1 else ''} of {amounts or 'nothing'}"
    else:
        what = "whole nodes"
    return f"keeps {what} for {listed(told.get('namespaces') or ['everybody'], most=5)}"


def _newest_runs(
    documents: Iterable[Mapping[str, Any]],
) -> Mapping[tuple[str, str], tuple[int, str]]:
    """Return of each name the newest run that a schedule began, and its phase."""
    found: dict[tuple[str, str], tuple[int, str]] = {}
    for document in documents:
        metadata = document["metadata"]
        name, run = (metadata["namespace"], metadata["name"]), metadata["run"]
        if is_scheduled(run) and run > found.get(name, (0, ""))[0]:
            found[name] = (run, document["status"]["phase"])
    return found


def _recurring(
    told: Mapping[str, Any],
    newest: Mapping[tuple[str, str], tuple[int, str]],
    now: datetime,
) -> Recurring:
    run, phase = newest.get((told["namespace"], told["name"]), (0, ""))
    is_suspended = bool(told.get("suspend"))
    zone = told.get("timezone", "UTC")
    next_at = None if is_suspended else calendar.upcoming(told["cron"], zone, now=now)
    why = "its times are over" if next_at is None else ""
    return Recurring(
        namespace=told["namespace"],
        name=told["name"],
        rule=words(told["cron"], zone),
        next_at=next_at,
        last_at=time_of(run) if run else None,
        last_state=phase,
        told="suspended" if is_suspended else why,
    )


def _told(windows: list[Window], recurring: list[Recurring]) -> str:
    open_now = list(dict.fromkeys(window.name for window in windows if window.is_open))
    parts = [f"open now: {listed(open_now, most=5)}"] if open_now else []
    if not windows and not recurring:
        parts.append("nothing is reserved or recurs in the next 14 days")
    return "; ".join(parts)
