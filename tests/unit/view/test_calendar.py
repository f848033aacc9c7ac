"""What is to come: windows with what they keep, schedules with their rule in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cronsim import CronSim
from hypothesis import given
from hypothesis import strategies as st

from policy.model.execution import Uid
from reconciler.converge.runs import run_at
from reconciler.reporting.records import Board
from reconciler.view import calendar, encoding
from reconciler.view.calendar import Calendar, Recurring, Window
from reconciler.view.recurrence import words

NOW = datetime(2026, 11, 23, 13, 30, tzinfo=UTC)  # a Monday
LAB = {
    "name": "lab",
    "window": {
        "cron": "0 14 * * MON", "timezone": "Europe/Paris", "durationMs": 7_200_000, "start": None,
    },
    "slots": 2,
    "slot": {"cpu": 500, "memory": 512 * 1024**2},
    "namespaces": ["aml"],
}  # fmt: skip
NIGHTLY = {"namespace": "aml", "name": "nightly", "cron": "0 2 * * *", "timezone": "UTC"}


def run(at: datetime, phase: str) -> dict[Uid, dict[str, Any]]:
    number = run_at(at)
    metadata = {"namespace": "aml", "name": "nightly", "run": number}
    return {Uid(str(number)): {"metadata": metadata, "status": {"phase": phase}}}


def test_windows_that_are_open_or_come_within_two_weeks():
    found = calendar.of(Board(reservations=(LAB,)), {}, now=NOW)
    told = "keeps 2 slots of 0.5 CPUs, 512 MiB memory for aml"
    begin = datetime(2026, 11, 23, 13, tzinfo=UTC)
    week, hours = timedelta(days=7), timedelta(hours=2)
    assert found == Calendar(
        windows=tuple(
            Window(
                name="lab", starts_at=at, ends_at=at + hours, told=told, is_open=at == begin
            )
            for at in (begin, begin + week, begin + 2 * week)
        ),
        told="open now: lab",
    )  # fmt: skip
    assert encoding.from_json(Calendar, encoding.to_json(found)) == found


def test_a_single_window_of_whole_nodes_for_everybody():
    start = "2026-11-24T08:00:00+00:00"
    once = {"name": "exam", "window": {"start": start, "durationMs": 3_600_000}}
    (window,) = calendar.of(Board(reservations=(once,)), {}, now=NOW).windows
    assert (window.starts_at.isoformat(), window.told) == (start, "keeps whole nodes for everybody")


def test_what_is_over_or_far_away_is_left_out():
    def once(start: str) -> dict[str, Any]:
        return {"name": "exam", "window": {"start": start, "durationMs": 3_600_000}}

    board = Board(reservations=(once("2026-11-23T12:30:00Z"), once("2026-12-07T13:30:00Z")))
    found = calendar.of(board, {}, now=NOW)
    assert (found.windows, found.told) == (
        (), "nothing is reserved or recurs in the next 14 days",
    )  # fmt: skip


def test_a_schedule_tells_its_rule_its_next_run_and_how_the_last_went():
    documents = {
        **run(NOW - timedelta(days=2), "Failed"),
        **run(NOW - timedelta(days=1), "Succeeded"),
    }
    found = calendar.of(Board(recurrences=(NIGHTLY,)), documents, now=NOW)
    assert found.recurring == (
        Recurring(
            namespace="aml",
            name="nightly",
            rule="every day at 02:00, UTC",
            next_at=datetime(2026, 11, 24, 2, tzinfo=UTC),
            last_at=NOW - timedelta(days=1),
            last_state="Succeeded",
        ),
    )


def test_a_suspended_schedule_has_no_next_run_and_comes_last():
    suspended = {**NIGHTLY, "name": "a", "suspend": True}
    found = calendar.of(Board(recurrences=(suspended, NIGHTLY)), {}, now=NOW)
    assert [(one.name, one.told, one.next_at is None) for one in found.recurring] == [
        ("nightly", "", False),
        ("a", "suspended", True),
    ]


@pytest.mark.parametrize(
    ("cron", "told"),
    [
        ("* * * * *", "every minute"),
        ("*/5 * * * *", "every 5 minutes"),
        ("*/7 * * * *", "by cron */7 * * * *"),
        ("0 * * * *", "every full hour"),
        ("15 * * * *", "every hour, 15 min past"),
        ("0 */6 * * *", "every 6 hours"),
        ("30 */6 * * *", "every 6 hours, 30 min past"),
        ("0 */5 * * *", "by cron 0 */5 * * *"),
        ("0 2 * * *", "every day at 02:00"),
        ("30 8,20 * * *", "every day at 08:30 and 20:30"),
        ("0 14 * * MON", "on Monday at 14:00"),
        ("0 14 * * 1,3,5", "on Monday, Wednesday and Friday at 14:00"),
        ("0 6 * * 1-5", "Monday to Friday at 06:00"),
        ("0 6 * * 7", "on Sunday at 06:00"),
        ("0 0 1 * *", "on day 1 of each month at 00:00"),
        ("0 0 1,15 * *", "on day 1 and 15 of each month at 00:00"),
        ("0 0 L * *", "by cron 0 0 L * *"),
        ("0 0 1 1 *", "by cron 0 0 1 1 *"),
        ("0 0 1 * MON", "by cron 0 0 1 * MON"),
        ("0 0 * * MON#2", "by cron 0 0 * * MON#2"),
    ],
)
def test_cron_in_words(cron: str, told: str):
    next(CronSim(cron, NOW))  # it is one
    assert words(cron, "Europe/Paris") == f"{told}, Europe/Paris"


FIELD = st.sampled_from(["*", "*/2", "0", "5", "1,2", "1-3", "L", "MON", "0-6/2"])


@given(st.tuples(FIELD, FIELD, FIELD, FIELD, FIELD))
def test_any_fields_have_words(fields: tuple[str, ...]):
    assert words(" ".join(fields), "UTC").endswith(", UTC")
