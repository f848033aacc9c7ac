"""``zoe history NAMESPACE/NAME``: its runs, generations, attempts, ends and holds, newest last."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import click

from reconciler import config
from reconciler.cli import reading
from reconciler.cli.columns import aligned
from reconciler.cli.names import EXECUTION
from reconciler.errors import SourceUnavailable
from reconciler.ports import Commit, Source
from reconciler.review.chronicle import Happening, chronicle, run_told

_DIGITS = 12


@click.command("history")
@click.argument("name", type=EXECUTION)
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text")
def command(*, name: tuple[str, str], output: str) -> None:
    """Show what happened to NAMESPACE/NAME in all of its runs, newest last.

    From the database, else from the ledger on this clone's status branch.
    """
    reading.found(*name)
    known = reading.remembered(config.load(), *name)
    happenings = chronicle(known.entries)
    commits = _commits(known.source, happenings)
    if output == "json":
        rows = [_row(happening, commits) for happening in happenings]
        told = {"namespace": name[0], "name": name[1], "history": rows}
        click.echo(json.dumps(told, indent=2))
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
