"""``zoe status``: is it running, and if not, why not?"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from typing import Any

import click

from reconciler.cli import reading

_COLOURS = {
    "Running": "green",
    "Succeeded": "green",
    "Failed": "red",
    "Invalid": "red",
    "Unknown": "red",
    "Starting": "blue",
    "Terminating": "blue",
    "Queued": "yellow",
    "Pending": "yellow",
}


@click.command("status")
@click.argument("name", required=False)
@click.option("-o", "--output", type=click.Choice(["text", "json", "yaml"]), default="text")
def command(*, name: str | None, output: str) -> None:
    """Show the executions of all namespaces, of NAMESPACE, or one NAMESPACE/NAME."""
    found = [document for document in reading.documents() if _matches(document, name)]
    if output == "json":
        click.echo(json.dumps({"executions": found}, indent=2))
    elif output == "yaml":
        import yaml

        click.echo(yaml.safe_dump({"executions": found}, sort_keys=False), nl=False)
    else:
        _print(found)
    if name and not found:
        click.echo(f"no execution {name}", err=True)
        raise click.exceptions.Exit(1)


def _matches(document: Mapping[str, Any], name: str | None) -> bool:
    metadata = document["metadata"]
    full = f"{metadata['namespace']}/{metadata['name']}"
    return name is None or name in (full, metadata["namespace"])


def _rows(found: Iterable[Mapping[str, Any]]) -> Iterable[tuple[str, str, str, str]]:
    for document in found:
        metadata, status = document["metadata"], document["status"]
        told = status.get("message", "")
        if urls := [endpoint["url"] for endpoint in status.get("endpoints", [])]:
            told = " ".join(urls)
        full = f"{metadata['namespace']}/{metadata['name']}"
        yield full, status["phase"], status.get("reason", ""), told


def _print(found: list[Mapping[str, Any]]) -> None:
    if not found:
        click.echo("no executions")
        return
    if not sys.stdout.isatty():
        for row in _rows(found):
            click.echo("\t".join(row))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("execution", "phase", "reason", "message", box=None, pad_edge=False)
    for name, phase, reason, told in _rows(found):
        table.add_row(Text(name), Text(phase, style=_COLOURS.get(phase, "")), reason, Text(told))
    Console().print(table)
