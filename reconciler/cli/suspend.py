"""``zoe suspend``: stop an execution and keep its file, its identity and its workspace."""

from __future__ import annotations

import click

from reconciler.cli import editing

SUSPEND = ("spec", "suspend")


@click.command("suspend")
@editing.options
def command(*, name: tuple[str, str], commit: bool, message: str | None) -> None:
    """Set suspend of NAMESPACE/NAME in its manifest: everything it holds is freed."""
    target = editing.find(*name)
    if target.value(SUSPEND) is True:
        click.echo(f"{target.name} is suspended already: nothing changed")
        return
    editing.carry_out(
        target,
        target.with_value(SUSPEND, True),
        did=f"{target.name} is to be suspended",
        message=message or f"Suspend {target.name}",
        commit=commit,
    )
