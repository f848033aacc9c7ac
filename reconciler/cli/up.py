"""``zoe up``: everything in one process, for trying out and for small installations."""

from __future__ import annotations

import click

from reconciler import config, lead, log


@click.command("up")
@click.option("--verbose", is_flag=True, help="Tell more in the log.")
def command(*, verbose: bool) -> None:
    """Reconcile until stopped, and say where to look."""
    log.set_up(verbose=verbose)
    settings = config.load()
    source = settings.platform_source
    click.echo(f"reconciling {source.url} ({source.branch}) every {settings.interval_s} s")
    click.echo(f"status is on branch {settings.status_branch}; here: zoe status")
    lead.run(settings)
