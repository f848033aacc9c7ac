"""``zoe stop``: take an execution out of the repository."""

from __future__ import annotations

import click

from reconciler.cli import editing


@click.command("stop")
@editing.options
def command(*, name: tuple[str, str], commit: bool, message: str | None) -> None:
    """Delete the manifest of NAMESPACE/NAME: it is stopped, its workspace stays."""
    target = editing.find(*name)
    editing.carry_out(
        target,
        target.without(),
        did=f"{target.name} taken out",
        message=message or f"Stop {target.name}",
        commit=commit,
    )
