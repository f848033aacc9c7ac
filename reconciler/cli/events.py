"""``zoe events``: what happened, of one execution or of all, oldest first."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Sequence

import click

from reconciler.cli import show
from reconciler.cli.names import EXECUTION
from reconciler.cli.past import Past, past
from reconciler.clock import SystemClock
from reconciler.errors import TransientError
from reconciler.view import encoding
from reconciler.view.event import EventLine

POLL_S = 1.0


@click.command("events")
@click.argument("name", type=EXECUTION, required=False)
@click.option("--limit", type=click.IntRange(1, 10_000), default=100, help="At most so many.")
@click.option("-f", "--follow", is_flag=True, help="Then those to come, until Ctrl-C.")
@show.output_option()
def command(*, name: tuple[str, str] | None, limit: int, follow: bool, output: str) -> None:
    """Show what happened, of NAMESPACE/NAME or of all.

    With --follow, json is one event a line.
    """
    namespace, execution = name or ("", "")
    with past() as source:
        found = source.events(namespace, execution, limit=limit)
        if output != "text" and not follow:
            show.as_data(found, output)
            return
        oldest_first = found.lines[::-1]
        _print(oldest_first, output)
        if follow:
            last = oldest_first[-1].id if oldest_first else 0
            _follow(source, namespace, execution, last, output)


def _follow(source: Past, namespace: str, name: str, last: int, output: str) -> None:
    """Print what comes after event ``last``, each once, whatever becomes of the source."""
    pause, is_away = threading.Event(), False
    while True:
        try:
            found = _later(source, namespace, name, last)
        except TransientError as error:
            if not is_away:
                click.echo(f"zoe: {error}; still trying", err=True)
            is_away, found = True, ()
        else:
            if is_away:
                click.echo("zoe: it answers again", err=True)
            is_away = False
        _print(found, output)
        last = max((line.id for line in found), default=last)
        if not found:
            pause.wait(POLL_S)


def _later(source: Past, namespace: str, name: str, last: int) -> Iterable[EventLine]:
    if last:
        return source.later(namespace, name, after=last)
    # There was none yet, so there is none to ask after.
    return source.events(namespace, name, limit=500).lines[::-1]


def _print(lines: Iterable[EventLine], output: str) -> None:
    if output == "text":
        _show([_row(line) for line in lines])
        return
    for line in lines:
        if output == "json":
            click.echo(json.dumps(encoding.to_json(line)))
        else:
            show.as_data([line], output)


def _show(rows: Sequence[tuple[str, str, str, str, str]]) -> None:
    if not show.is_terminal():
        for at, mark, name, reason, told in rows:
            click.echo(f"{at} {mark} {name}\t{reason}\t{told}")
        return
    # No head: with --follow it would be between them.
    shown = [(at, mark, name, f"{reason}: {told}") for at, mark, name, reason, told in rows]
    show.table(("",) * 4, shown, numbers=(), colours={1: {"!": "red"}}, whole=(0, 1, 2))


def _row(line: EventLine) -> tuple[str, str, str, str, str]:
    name = show.cell(f"{line.namespace}/{line.name}") if line.name else "-"
    told = show.sentence(line.message, now=SystemClock().now())
    mark = "!" if line.is_warning else " "
    return show.time(line.at), mark, name, show.cell(line.reason), told
