"""``zoe stop``: take an execution out of the repository."""

from __future__ import annotations

import click

from reconciler.cli import editing
from reconciler.converge.guard import CONFIRM_DELETES


@click.command("stop")
@editing.options
def command(*, name: tuple[str, str], commit: bool, message: str | None) -> None:
    """Delete the manifest of NAMESPACE/NAME: it is stopped, its workspace stays."""
    target = editing.find(*name)
    message = message or f"Stop {target.name}"
    if editing.is_last(target):
        # A commit that asks for nothing looks like an accident; this one is meant.
        message += f"\n\n{CONFIRM_DELETES}: 1"
    editing.carry_out(
        target,
        target.without(),
        did=f"{target.name} taken out",
        message=message,
        commit=commit,
    )
