"""``zoe events``: what happened to an execution, oldest first."""

from __future__ import annotations

import json

import click

from reconciler import config
from reconciler.cli import reading
from reconciler.cli.names import EXECUTION


@click.command("events")
@click.argument("name", type=EXECUTION, required=False)
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, help="At most so many.")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text")
def command(*, name: tuple[str, str] | None, limit: int, output: str) -> None:
    """Show what happened, of one execution or of all."""
    if name is not None:
        reading.found(*name)
    namespace, execution = name or ("", "")
    with reading.required_database(config.load()) as store:
        found = store.events(namespace=namespace, name=execution, limit=limit)
    if output == "json":
        rows = [
            {
                "at": event.at.isoformat(),
                "namespace": event.namespace,
                "name": event.name,
                "reason": event.reason,
                "message": event.message,
                "commit": event.commit,
                "warning": event.is_warning,
            }
            for event in found
        ]
        click.echo(json.dumps({"events": rows}, indent=2))
        return
    for event in found:
        mark = "!" if event.is_warning else " "
        at = event.at.strftime("%Y-%m-%d %H:%M:%S")
        click.echo(f"{at} {mark} {event.namespace}/{event.name}\t{event.reason}\t{event.message}")
