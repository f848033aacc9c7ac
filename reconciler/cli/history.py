"""``zoe history``: what happened to an execution, newest last; without a name, how it all went."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime

import click

from reconciler import config
from reconciler.cli import plots, reading, server, show
from reconciler.cli.columns import aligned
from reconciler.cli.moment import MOMENT
from reconciler.cli.names import EXECUTION
from reconciler.errors import SourceUnavailable
from reconciler.ports import Commit, Source
from reconciler.view.detail import history_of
from reconciler.view.execution import Step, Timeline

_DIGITS = 12


@click.command("history")
@click.argument("name", type=EXECUTION, required=False)
@click.option("--since", type=MOMENT, help="Without a name: from when on. Default: 1d.")
@show.output_option()
def command(*, name: tuple[str, str] | None, since: datetime | None, output: str) -> None:
    """Show what happened to NAMESPACE/NAME in all of its runs, newest last.

    From the server that ZOE_SERVER names, else from the database, else from the ledger on this
    clone's status branch. Without a name: how it all went, as plots.
    """
    if name is None:
        plots.show_plots(since, output)
        return
    if since is not None:
        raise click.UsageError("--since is for the plots: leave the name out")
    if (asked := server.configured()) is not None:
        timeline = asked.read(Timeline, f"executions/{name[0]}/{name[1]}/history")
    else:
        timeline = _remembered(name)
    if output == "text":
        _show(name, timeline)
    else:
        show.as_data(timeline, output)


def _remembered(name: tuple[str, str]) -> Timeline:
    """Return what database or ledger tell of all runs."""
    reading.found(*name)
    known = reading.remembered(config.load(), *name)
    named = [entry.commit for entry in known.entries if entry.commit]
    return history_of(known.entries, _commits(known.source, dict.fromkeys(named)))


def _commits(source: Source, ids: Iterable[str]) -> Mapping[str, Commit]:
    """Return the commits that can be read here: a clone may have been made without the oldest."""
    found: dict[str, Commit] = {}
    for id_ in ids:
        with suppress(SourceUnavailable):
            found[id_] = source.commit(id_)
    return found


def _show(name: tuple[str, str], timeline: Timeline) -> None:
    if not timeline.steps:
        click.echo(f"nothing has happened to {'/'.join(name)} yet")
    rows = [(show.time(step.at), step.run, _told(step)) for step in timeline.steps]
    for line in aligned(rows):
        click.echo(line)


def _told(step: Step) -> str:
    """Return a step with the commit that brought it, and whose that is."""
    told = show.cell(step.told)
    if step.commit:
        told += f" with {step.commit[:_DIGITS]}"
    return told + (f" by {show.cell(step.by)}" if step.by else "")
