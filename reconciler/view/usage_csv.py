"""Usage as CSV (RFC 4180), for spreadsheets.

A spreadsheet takes a cell that begins with ``=``, ``+``, ``-`` or ``@`` for a formula, and labels
are whatever users wrote: such a cell gets a ``'`` before it, which shows it as text.
"""

from __future__ import annotations

import csv
from io import StringIO

from reconciler.view.usage import Usage, Used

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def to_csv(usage: Usage) -> str:
    """Return the rows with a head and without the total, which whoever reads them adds up."""
    resources = sorted(usage.total.generic_ms)
    buffer = StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow([usage.by, *_HEAD, *(f"{name} hours" for name in resources)])
    for row in usage.rows:
        hours = [row.generic_hours.get(name, "0.0") for name in resources]
        writer.writerow([text(row.key), *_numbers(row), *hours])
    return buffer.getvalue()


def text(cell: str) -> str:
    """Return what shows a user's text as it is, whatever it begins with."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


_HEAD = (
    "executions",
    "core hours",
    "GiB hours",
    "CPU thousandths x ms",
    "memory bytes x ms",
    "started",
    "median wait ms",
    "ended",
    "failed",
)


def _numbers(row: Used) -> tuple[str | int, ...]:
    return (
        row.executions,
        row.core_hours,
        row.gib_hours,
        row.cpu_milli_ms,
        row.memory_byte_ms,
        row.started,
        "" if row.wait_median_ms is None else row.wait_median_ms,
        row.ended,
        row.failed,
    )
