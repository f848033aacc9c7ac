"""``zoe diff NAMESPACE/NAME [A] [B]``: two versions of an execution, field by field."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache

import click

from reconciler import config, wire
from reconciler.cli import reading
from reconciler.cli.names import EXECUTION
from reconciler.config import Settings
from reconciler.converge.world import Wanted
from reconciler.errors import Missing, NoSuchRevision
from reconciler.review.diff import Change, changes
from reconciler.source.narrow import narrowed
from reconciler.source.versions import Version, Versions


@click.command("diff")
@click.argument("name", type=EXECUTION)
@click.argument("a", required=False)
@click.argument("b", required=False)
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text")
def command(*, name: tuple[str, str], a: str | None, b: str | None, output: str) -> None:
    """Show what differs between versions A and B of NAMESPACE/NAME, resolved.

    A version is a generation (2, or 1.2 of an earlier run: RUN.GENERATION), a commit or a branch.
    Without B it is what is desired now, without A what is in force.

    Exit 0 without differences, 1 with some.
    """
    settings = config.load()
    try:
        reading.found(*name)
        known = reading.remembered(settings, *name)
        versions = _versions(settings, known, name)
        old = versions.named(a) if a else versions.in_force()
        new = versions.named(b) if b else _desired(versions, known.desired)
    except (Missing, NoSuchRevision) as error:
        raise click.UsageError(str(error)) from error  # 1 says that there are differences
    found = changes(old.spec, new.spec)
    if output == "json":
        click.echo(json.dumps(_as_json(name, old, new, found), indent=2))
    else:
        _print(old, new, found)
    raise click.exceptions.Exit(1 if found else 0)


def _versions(settings: Settings, known: reading.Remembered, name: tuple[str, str]) -> Versions:
    reader = wire.reader(settings, narrowed(known.source, name[0]))

    @cache
    def read(commit: str) -> Wanted:
        return reader.read(commit, good={})

    return Versions(
        namespace=name[0],
        name=name[1],
        entries=known.entries,
        frozen=known.frozen,
        resolve=known.source.resolve,
        read=read,
    )


def _desired(versions: Versions, commit: str) -> Version:
    if not commit:
        raise Missing("it isn't known here what is desired now: name a version")
    return versions.at(commit, also_told=", desired now")


def _as_json(
    name: tuple[str, str], old: Version, new: Version, found: Sequence[Change]
) -> dict[str, object]:
    return {
        "namespace": name[0],
        "name": name[1],
        "from": {"told": old.told, "digest": old.digest},
        "to": {"told": new.told, "digest": new.digest},
        "changes": [
            {"path": change.path, "before": change.before, "after": change.after}
            for change in found
        ],
    }


def _print(old: Version, new: Version, found: Sequence[Change]) -> None:
    if not found:
        click.echo(f"no difference between {old.told} and {new.told}")
        return
    click.echo(f"from {old.told}")
    click.echo(f"to   {new.told}")
    for change in found:
        click.echo(f"  {change.told}")
