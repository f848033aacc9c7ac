"""What was measured, kept in docs/performance.json; the table of docs/performance.md from it.

    python -m benchmarks.results           # writes the table anew

A test holds the page to the file, so that no figure stands there that wasn't recorded.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.report import Row, row_of
from reconciler.clock import SystemClock

DOCS = Path(__file__).parents[1] / "docs"
RECORD, PAGE = DOCS / "performance.json", DOCS / "performance.md"
BEGIN, END = "<!-- results: python -m benchmarks.results -->\n", "<!-- end of results -->"


def keep(command: str, found: Mapping[str, Any]) -> None:
    """Take over what a command printed as JSON, in the place of what it had printed before."""
    kept = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    kept[command] = {"date": f"{SystemClock().now():%Y-%m-%d}", **found}
    RECORD.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")
    PAGE.write_text(with_results(PAGE.read_text(), kept))


def table(kept: Mapping[str, Any]) -> str:
    """Return the rows of each command, with what they were measured on."""
    rows = [row_of(data) for found in kept.values() for data in found["results"]]
    met, missed = (sum(row.is_met is told for row in rows) for told in (True, False))
    lines = [f"{met} budgets met, {missed} missed.", ""]
    for command, found in sorted(kept.items()):
        lines += [
            f"**`{command}`** ({found['date']}; {found['machine']})",
            "",
            "| measured | median | ratio | budget | | more |",
            "|---|---|---|---|---|---|",
            *_rows(found),
            "",
        ]
    return "\n".join(lines)


def _rows(found: Mapping[str, Any]) -> Iterator[str]:
    for data in found["results"]:
        row = row_of(data)
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        cells = (row.name.strip(), _ms(row.median_ms), ratio, _budget(row), _met(row), row.note)
        yield f"| {' | '.join(cells)} |"


def _ms(ms: float) -> str:
    if ms < 1000:
        return f"{ms:.3g} ms"
    return f"{ms / 1000:.3g} s" if ms < 1_000_000 else f"{ms / 1000:,.0f} s"


def _budget(row: Row) -> str:
    told = [] if row.budget_ms is None else [_ms(row.budget_ms)]
    return "; ".join(
        [*told, *([] if row.budget_ratio is None else [f"ratio {row.budget_ratio:.3g}"])]
    )


def _met(row: Row) -> str:
    return {True: "met", False: "missed", None: ""}[row.is_met]


def with_results(page: str, kept: Mapping[str, Any]) -> str:
    """Return the page with the table in its place."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{table(kept)}{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(with_results(PAGE.read_text(), json.loads(RECORD.read_text())))
