"""``zoe once``: make passes until nothing moves, publish, and go."""

from __future__ import annotations

import click

from reconciler import config, lead, log
from reconciler.cli.progress import Progress
from reconciler.report import Report


@click.command("once")
@click.option("--single", is_flag=True, help="Make exactly one pass.")
@click.option("--verbose", is_flag=True, help="Tell more on stderr.")
def command(*, single: bool, verbose: bool) -> int:
    """Bring the cluster to what the repository asks for, once.

    Exit 0: to its newest commit; to an older one: 1 where that is held, 3 where Git is away.
    """
    log.set_up(verbose=verbose)
    with Progress("reconciling") as progress:
        report = lead.once(
            config.load(), until_settled=not single, told=lambda r: progress.tell(summary(r))
        )
    click.echo(summary(report))
    if report.hold:
        click.echo(f"held: {report.hold}", err=True)
        return 3 if report.is_unread else 1
    return 0


def summary(report: Report) -> str:
    """Return one line: ``3 Running, 1 Queued at 0123456789ab``."""
    counts: dict[str, int] = {}
    for status in report.statuses:
        counts[str(status.phase)] = counts.get(str(status.phase), 0) + 1
    told = ", ".join(f"{count} {phase}" for phase, count in sorted(counts.items()))
    return f"{told or 'nothing to do'} at {report.commit[:12]}"
