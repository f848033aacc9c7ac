"""``zoe run``: the loop, for as long as the process lives."""

from __future__ import annotations

import click

from reconciler import config, lead, log


@click.command("run")
@click.option("--verbose", is_flag=True, help="Tell more in the log.")
def command(*, verbose: bool) -> None:
    """Reconcile until stopped (SIGTERM, Ctrl-C). Several may run: one leads, others stand by."""
    log.set_up(verbose=verbose)
    lead.run(config.load())
