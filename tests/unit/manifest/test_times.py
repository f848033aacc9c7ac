"""Moments, time zones and cron fields: one meaning, or refused with what to write."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cronsim import CronSim
from hypothesis import given
from hypothesis import strategies as st

from reconciler.manifest import times
from reconciler.manifest.diagnostic import Complaint


def complaint(function, value: object) -> Complaint:
    with pytest.raises(Complaint) as caught:
        function(value)
    assert caught.value.remedy
    return caught.value


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("2026-09-01T14:00:00+02:00", 12),
        ("2026-09-01T14:00:00Z", 14),
        ("2026-09-01T14:00Z", 14),
        ("2026-09-01T14:00:00-05:00", 19),
    ],
)
def test_a_moment_is_read_with_its_offset(text: str, hour: int):
    found = times.moment(text)
    assert found == datetime(2026, 9, 1, hour, tzinfo=UTC)
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("2026-09-01", "BadTime"),
        ("2026-09-01T14:00:00", "BadTime"),
        ("2026-02-30T14:00:00Z", "BadTime"),
        ("2026-09-01T24:30:00Z", "BadTime"),
        ("2026-09-01T14:00:00+99:00", "BadTime"),
        ("tomorrow", "BadTime"),
        (5, "BadTime"),
        ("9999-12-31T23:59:59-12:00", "OutOfRange"),
        ("1970-01-01T00:00:00Z", "OutOfRange"),
    ],
)
def test_what_is_no_moment_is_refused(text: object, code: str):
    assert complaint(times.moment, text).code == code


def test_a_missing_offset_is_shown_where_it_goes():
    remedy = complaint(times.moment, "2026-09-01T14:00:00").remedy
    assert "2026-09-01T14:00:00+02:00" in remedy
    assert times.moment("2026-09-01T14:00:00+02:00")


@pytest.mark.parametrize("name", ["Europe/Paris", "UTC", "America/Argentina/Buenos_Aires"])
def test_zones_that_there_are(name: str):
    assert times.timezone(name) == name


@pytest.mark.parametrize("name", ["Europe", "../UTC", "/etc/passwd", "localtime", "", "CEST5"])
def test_zones_that_there_are_not(name: str):
    assert complaint(times.timezone, name).code == "UnknownTimeZone"


def test_a_misspelt_zone_is_suggested():
    assert complaint(times.timezone, "Europe/Pariss").remedy == "did you mean Europe/Paris?"


@pytest.mark.parametrize(
    "text",
    [
        "0 2 * * *",
        "*/5 * * * *",
        "0 14 * * MON-FRI",
        "0 0 29 2 *",
        "0 0 L * *",
        "0 9 * * mon#2",
        # Five Mondays in a February: 2044 is the first of this century.
        "0 0 * 2 MON#5",
    ],
)
def test_cron_that_comes_true(text: str):
    assert times.cron(text) == text


def test_cron_is_told_apart_by_its_fields_not_its_blanks():
    assert times.cron("  0  2 * *   * ") == "0 2 * * *"


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("60 2 * * *", "minute"),
        ("0 24 * * *", "hour"),
        ("0 0 32 * *", "day of month"),
        ("0 0 * 13 *", "month"),
        ("0 0 * * 8", "day of week"),
        ("0 0 * * FRI-MON", "day of week"),
        ("*/0 * * * *", "minute"),
    ],
)
def test_cron_that_cannot_be_read_says_which_field(text: str, field: str):
    found = complaint(times.cron, text)
    assert (found.code, field in found.message) == ("BadCron", True)


@pytest.mark.parametrize("text", ["0 0 30 2 *", "0 0 31 4,6,9,11 *"])
def test_cron_that_never_comes_is_refused(text: str):
    assert complaint(times.cron, text).code == "NeverDue"


@pytest.mark.parametrize("text", ["@daily", "0 2 * *", "0 0 2 * * *", ""])
def test_cron_has_five_fields(text: str):
    assert "five fields" in complaint(times.cron, text).message


def test_a_shorthand_is_written_out():
    assert '"0 0 * * 0"' in complaint(times.cron, "@weekly").remedy


FIELD = st.text(alphabet="0123456789*,-/#L WMONFEB", min_size=1, max_size=8)


@given(st.lists(FIELD, min_size=4, max_size=6).map(" ".join))
def test_cron_is_either_refused_or_comes_true(text: str):
    try:
        fields = times.cron(text)
    except Complaint:
        return
    assert next(CronSim(fields, datetime(2000, 1, 1, tzinfo=UTC)))


@pytest.mark.parametrize(
    ("fields", "gap"),
    [
        ("0 14 * * *", timedelta(days=1)),
        ("0 14 * * MON,TUE", timedelta(days=1)),
        ("0 0 1 * *", timedelta(days=28)),
        ("*/5 * * * *", timedelta(minutes=5)),
        ("50,0 * * * *", timedelta(minutes=10)),
    ],
)
def test_shortest_gap(fields: str, gap: timedelta):
    assert times.shortest_gap(fields) == gap
