"""``zoe resume``: let a suspended execution go on."""

from __future__ import annotations

import click

from reconciler.cli import editing
from reconciler.cli.suspend import SUSPEND


@click.command("resume")
@editing.options
def command(*, name: tuple[str, str], commit: bool, message: str | None) -> None:
    """Unset suspend of NAMESPACE/NAME in its manifest: it queues again."""
    target = editing.find(*name)
    if target.value(SUSPEND) in (None, False):
        click.echo(f"{target.name} isn't suspended: nothing changed")
        return
    editing.carry_out(
        target,
        target.with_value(SUSPEND, False),
        did=f"{target.name} is to go on",
        message=message or f"Resume {target.name}",
        commit=commit,
    )
