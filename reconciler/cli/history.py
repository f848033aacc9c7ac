"""``zoe history``: what happened to an execution, newest last; without a name, how it all went."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import click

from reconciler import config
from reconciler.cli import plots, reading, server, show
from reconciler.cli.columns import aligned
from reconciler.cli.moment import MOMENT
from reconciler.cli.names import EXECUTION
from reconciler.errors import SourceUnavailable
from reconciler.ports import Commit, Source
from reconciler.review.chronicle import Happening, chronicle, run_told
from reconciler.view.execution import Step, Timeline

_DIGITS = 12


@click.command("history")
@click.argument("name", type=EXECUTION, required=False)
@click.option("--since", type=MOMENT, help="Without a name: from when on. Default: 1d.")
@show.output_option()
def command(*, name: tuple[str, str] | None, since: datetime | None, output: str) -> None:
    """Show what happened to NAMESPACE/NAME in all of its runs, newest last.

    From the server that ZOE_SERVER names (of its newest run), else from the database, else from
    the ledger on this clone's status branch. Without a name: how it all went, as plots.
    """
    if name is None:
        plots.show_plots(since, output)
    elif since is not None:
        raise click.UsageError("--since is for the plots: leave the name out")
    elif (asked := server.configured()) is not None:
        _show_timeline(asked.read(Timeline, f"executions/{name[0]}/{name[1]}/history"), output)
    else:
        _show_remembered(name, output)


def _show_timeline(timeline: Timeline, output: str) -> None:
    """Print what the server tells of a run."""
    if output != "text":
        show.as_data(timeline, output)
        return
    rows = [(show.time(step.at), step.run, _with_commit(step)) for step in timeline.steps]
    for line in aligned(rows):
        click.echo(line)


def _with_commit(step: Step) -> str:
    return show.cell(step.told) + (f" with {step.commit[:_DIGITS]}" if step.commit else "")


def _show_remembered(name: tuple[str, str], output: str) -> None:
    """Print what database or ledger tell of all runs."""
    reading.found(*name)
    known = reading.remembered(config.load(), *name)
    happenings = chronicle(known.entries)
    commits = _commits(known.source, happenings)
    if output != "text":
        rows = [_row(happening, commits) for happening in happenings]
        show.as_data({"namespace": name[0], "name": name[1], "history": rows}, output)
        return
    if not happenings:
        click.echo(f"nothing has happened to {'/'.join(name)} yet")
    for line in aligned(list(_lines(happenings, commits))):
        click.echo(line)


def _commits(source: Source, happenings: Iterable[Happening]) -> Mapping[str, Commit]:
    """Return the commits that can be read here: a clone may have been made without the oldest."""
    found: dict[str, Commit] = {}
    for happening in happenings:
        if happening.entry.commit and happening.entry.commit not in found:
            try:
                found[happening.entry.commit] = source.commit(happening.entry.commit)
            except SourceUnavailable:
                continue
    return found


def _lines(
    happenings: Iterable[Happening], commits: Mapping[str, Commit]
) -> Iterator[tuple[str, str, str]]:
    for happening in happenings:
        at = happening.entry.at.strftime("%Y-%m-%d %H:%M:%S")
        yield at, run_told(happening.entry.run), happening.told + _brought_by(happening, commits)


def _brought_by(happening: Happening, commits: Mapping[str, Commit]) -> str:
    if not happening.entry.commit:
        return ""
    commit = commits.get(happening.entry.commit)
    if commit is None:
        return f" with {happening.entry.commit[:_DIGITS]}"
    return f" with {commit.id[:_DIGITS]} by {commit.author}: {_subject(commit)}"


def _subject(commit: Commit) -> str:
    return commit.message.partition("\n")[0]


def _row(happening: Happening, commits: Mapping[str, Commit]) -> dict[str, Any]:
    entry = happening.entry
    return {
        "at": entry.at.isoformat(timespec="seconds"),
        "run": entry.run,
        "uid": entry.uid,
        "fact": str(entry.fact),
        "reason": entry.reason,
        "generation": entry.generation,
        "attempt": entry.attempt,
        "exitCode": entry.code,
        "by": entry.by,
        "message": entry.told,
        "told": happening.told,
        "commit": _commit(entry.commit, commits.get(entry.commit)),
    }


def _commit(id_: str, commit: Commit | None) -> dict[str, str] | None:
    if commit is None:
        return {"id": id_} if id_ else None
    at = commit.committed_at.isoformat(timespec="seconds")
    return {"id": id_, "author": commit.author, "at": at, "subject": _subject(commit)}
