"""``zoe status``: is it running, and if not, why not, and when?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import click

from reconciler.cli import detail_text, every, place, reading, show
from reconciler.cli.place import Place
from reconciler.clock import SystemClock
from reconciler.errors import Missing
from reconciler.view.line import Line
from reconciler.view.listing import Query
from reconciler.view.reasons import meaning
from reconciler.view.words import instant


@click.command("status")
@click.argument("name", required=False, metavar="[NAMESPACE[/NAME]]")
@click.option("-l", "--selector", default="", help="Only these labels: course=aml,team!=x,!done.")
@click.option("--state", default="", help="Only these states, such as Running or Queued,Pending.")
@click.option("--all-runs", is_flag=True, help="Every run that is kept, not only the newest.")
@click.option("--set", "of_set", metavar="[NAMESPACE/]NAME", help="A set: who is missing, and why.")
@show.output_option()
def command(
    *,
    name: str | None,
    selector: str,
    state: str,
    all_runs: bool,
    of_set: str | None,
    output: str,
) -> None:
    """Show the executions of all namespaces, of NAMESPACE, or all of one NAMESPACE/NAME."""
    if of_set is not None:
        if name or selector or state or all_runs:
            raise click.UsageError("--set shows all of a set: leave the rest out")
        with place.here() as there:
            _set(there, of_set, output)
            _say_how_old(there)
        return
    namespace, slash, execution = (name or "").partition("/")
    query = Query(namespace=namespace, labels=selector, state=state, all_runs=all_runs)
    with place.here() as there:
        if slash:
            found = there.detail(namespace, execution)
            if output != "text":
                show.as_data(found, output)
                return
            detail_text.show(found, now=SystemClock().now())
        else:
            _list(there, query, output)
            _say_what_stands(there)
        _say_how_old(there)


def _set(there: Place, name: str, output: str) -> None:
    namespace, _, own = name.rpartition("/")
    found = there.set(namespace, own)
    if output != "text":
        show.as_data(found, output)
        return
    click.echo(f"{found.full_name}: {found.sentence}")
    if found.rules:
        click.echo(found.rules)
    for item in found.refused:
        click.echo(f"{item.namespace}/{item.name}: {item.message}")
    if found.missing:
        click.echo()
        _print(found.missing)


def _list(there: Place, query: Query, output: str) -> None:
    try:
        found = every.execution(there, query)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    if query.namespace and not found.total:
        _check(there, query)
    if output != "text":
        show.as_data(found, output)
    elif not found.lines:
        click.echo("no executions")
    else:
        _print(found.lines)


def _print(lines: Sequence[Line]) -> None:
    """Print a list; on a terminal without the codes, since the sentences say the same."""
    now = SystemClock().now()
    rows: list[tuple[str, ...]] = [_row(line, now) for line in lines]
    if show.is_terminal():
        rows = [(name, state, said) for name, state, _, said in rows]
    head = ("execution", "state", "why, or where")
    show.table(head, rows, numbers=(), colours={1: show.STATES}, whole=(0, 1))


def _check(there: Place, query: Query) -> None:
    """Say so where there is no such namespace; with a selector nobody may match."""
    if not there.page(Query(namespace=query.namespace, all_runs=True, limit=1)).total:
        known = {line.namespace for line in every.execution(there, Query()).lines}
        raise Missing(reading.unknown("execution in namespace", query.namespace, known))


def _say_what_stands(there: Place) -> None:
    for alert in there.alerts():
        if alert.kind != "loop":  # how old it is says this
            told = show.sentence(alert.told, now=SystemClock().now())
            click.echo(f"zoe: {alert.code or alert.kind}: {told}", err=True)


def _say_how_old(there: Place) -> None:
    fresh = there.freshness()
    if fresh is not None and fresh.is_stale:
        told = show.sentence(fresh.told, now=SystemClock().now())
        click.echo(f"zoe: {told}", err=True)


def _row(line: Line, now: datetime) -> tuple[str, str, str, str]:
    """Return NAMESPACE/NAME (of a schedule's run with its time), state, reason, and a sentence."""
    due = f"@{instant(line.due_at)}" if line.due_at else ""
    return line.full_name + due, line.state, line.reason, show.sentence(told(line), now=now)


def told(line: Line) -> str:
    """Return what there is to say of one in a line."""
    said = " ".join(line.urls) or line.message or meaning(line.reason)
    if line.held and line.held != said:
        said = f"{said} ({line.held})"
    if line.attempts and line.attempt:
        said = f"{said} (attempt {line.attempt} of {line.attempts})"
    return said.strip()
