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
    documents = reading.documents()
    found = [document for document in documents if _matches(document, name)]
    if name and not found:
        raise reading.unknown(name, map(reading.full_name, documents))
    if output == "json":
        click.echo(json.dumps({"executions": found}, indent=2))
    elif output == "yaml":
        import yaml

        click.echo(yaml.safe_dump({"executions": found}, sort_keys=False), nl=False)
    else:
        _print(found)


def _matches(document: Mapping[str, Any], name: str | None) -> bool:
    return name is None or name in (
        reading.full_name(document),
        document["metadata"]["namespace"],
    )


def _rows(found: Iterable[Mapping[str, Any]]) -> Iterable[tuple[str, str, str, str]]:
    for document in found:
        status = document["status"]
        told = status.get("message", "")
        if urls := [endpoint["url"] for endpoint in status.get("endpoints", [])]:
            told = " ".join(urls)
        if (held := reading.hold(document)) and held != told:
            told += f" ({held})"
        if status.get("attempts") and status.get("attempt"):
            told += f" (attempt {status['attempt']} of {status['attempts']})"
        yield _name(document), status["phase"], status.get("reason", ""), told


def _name(document: Mapping[str, Any]) -> str:
    """Return NAMESPACE/NAME, and of a schedule's run the time that it was due."""
    due = document["status"].get("dueAt")
    return reading.full_name(document) + (f"@{due}" if due else "")


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
