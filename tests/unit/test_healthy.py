"""When an engine is told to start ``zoe run`` again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler import healthy
from reconciler.reporting.records import Pulse

AT = datetime(2026, 1, 1, 10, 30, tzinfo=UTC)


def pulse(tried_at: datetime | None) -> Pulse:
    return Pulse(at=AT - timedelta(days=1), tried_at=tried_at, interval_s=30, commit="", problem="")


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (None, False),
        (pulse(None), False),
        (pulse(AT - healthy.LONGEST), False),  # failing for a day, and trying: no restart helps
        (pulse(AT - healthy.LONGEST - timedelta(seconds=1)), True),
    ],
)
def test_only_who_tries_nothing_any_more_stands_still(last: Pulse | None, expected: bool) -> None:
    assert healthy.stands_still(last, AT) is expected


def test_a_database_that_is_away_is_no_fault_of_the_loop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZOE_STATE_DIR", str(tmp_path))
    assert healthy.main() == 0
    assert list(tmp_path.iterdir()) == []
