"""No figure stands in docs/performance.md that wasn't recorded; no benchmark is forgotten."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import results
from benchmarks.report import Row, as_json, row_of
from benchmarks.suite import LONG, SHORT

FOLDER = Path(results.__file__).parent
SCRIPTS = sorted(p.stem for p in FOLDER.glob("*.py") if "def main(" in p.read_text())


def test_the_page_has_the_table_of_what_is_recorded():
    page, kept = results.PAGE.read_text(), json.loads(results.RECORD.read_text())
    assert results.with_results(page, kept) == page


@pytest.mark.parametrize("name", [name for name in SCRIPTS if name != "__main__"])
def test_each_benchmark_is_run_by_make_and_explained(name: str) -> None:
    assert name in {benchmark.name for benchmark in (*SHORT, *LONG)}
    assert f"python -m benchmarks.{name}`" in (FOLDER / "README.md").read_text()


@pytest.mark.parametrize(
    ("row", "is_met"),
    [
        (Row(name="a", rounds_ms=(1, 2, 9), budget_ms=2), True),
        (Row(name="a", rounds_ms=(1, 3, 9), budget_ms=2), False),
        (Row(name="a", rounds_ms=(1,), budget_ms=2, ratio=1.2, budget_ratio=1.1), False),
        (Row(name="a", rounds_ms=(1,), ratio=1.1, budget_ratio=1.1), True),
        (Row(name="a", rounds_ms=(1,), ratio=1.1), None),
    ],
)
def test_a_budget_is_met_by_the_median_and_the_ratio(row: Row, is_met: bool | None) -> None:
    assert row.is_met is is_met


def test_a_row_is_the_same_after_it_was_told():
    row = Row(name="a", rounds_ms=(1, 2.5), budget_ms=3, ratio=1.0, note="b")
    told = json.loads(as_json([row]))
    assert row_of(told["results"][0]) == row
