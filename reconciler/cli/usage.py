"""``zoe usage``: who used how much, from what was recorded."""

from __future__ import annotations

from datetime import datetime

import click

from policy.words import format_duration
from reconciler.cli import show
from reconciler.cli.moment import MOMENT
from reconciler.cli.past import past
from reconciler.clock import SystemClock
from reconciler.view.usage import Usage, Used, grouping
from reconciler.view.usage_csv import to_csv

_HEAD = ("core hours", "GiB hours", "executions", "median wait", "failed")


def _checked(_: click.Context, __: click.Parameter, value: str) -> str:
    try:
        grouping(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    return value


@click.command("usage")
@click.option(
    "--by", default="namespace", show_default=True, callback=_checked,
    help="What a row is: namespace, zapp or label:KEY.",
)  # fmt: skip
@click.option("--since", type=MOMENT, default="30d", show_default=True, help="From when on.")
@click.option("--until", type=MOMENT, help="Up to when. Default: now.")
@show.output_option("csv")
def command(*, by: str, since: datetime, until: datetime | None, output: str) -> None:
    """Show what was reserved for whom: core-hours, GiB-hours, waits and failures."""
    until = until or SystemClock().now()
    if since >= until:
        raise click.UsageError("--since must be before --until")
    with past() as source:
        found = source.usage(by, since=since, until=until)
    if output == "text":
        _print(found)
    elif output == "csv":
        click.echo(to_csv(found), nl=False)
    else:
        show.as_data(found, output)


def _print(usage: Usage) -> None:
    resources = sorted(usage.total.generic_ms)
    head = (usage.by, *_HEAD, *(f"{name} hours" for name in resources))
    rows = [_row(row, row.key or "(none)", resources) for row in usage.rows]
    if show.is_terminal():
        click.echo(f"from {show.time(usage.since)} to {show.time(usage.until)}")
        rows.append(_row(usage.total, "total", resources))
    show.table(head, rows, numbers=range(1, len(head)))


def _row(used: Used, key: str, resources: list[str]) -> tuple[str, ...]:
    wait = "-" if used.wait_median_ms is None else format_duration(used.wait_median_ms)
    failed = f"{used.failed} of {used.ended}" if used.ended else "-"
    return (
        key,
        used.core_hours,
        used.gib_hours,
        str(used.executions),
        wait,
        failed,
        *(used.generic_hours.get(name, "0.0") for name in resources),
    )
