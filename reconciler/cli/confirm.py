"""``zoe confirm``: let a held commit through."""

from __future__ import annotations

import click

from reconciler import config, wire
from reconciler.cli import reading
from reconciler.cli.whoami import whoami
from reconciler.clock import SystemClock


@click.command("confirm")
@click.argument("commit")
def command(*, commit: str) -> None:
    """Confirm COMMIT: its deletes are carried out, or its rewritten history is accepted."""
    settings = config.load()
    with reading.required_database(settings) as store:
        full = wire.source(settings).resolve(commit)
        store.confirm(full, by=whoami(), at=SystemClock().now())
        store.request_pass(settings.platform_source.id)
    click.echo(f"confirmed {full[:12]}")
