"""``zoe plan``: what a revision would do, without doing it."""

from __future__ import annotations

import json
from pathlib import Path

import click

from policy.forecast import FITS_NOW
from reconciler import config, planning, wire
from reconciler.cli import reading, when
from reconciler.cli.problems import FORMS, printed
from reconciler.cli.progress import Progress
from reconciler.clock import SystemClock
from reconciler.config import Settings
from reconciler.converge.world import Memory, Wanted
from reconciler.errors import Missing, SourceUnavailable
from reconciler.manifest.diagnostic import to_text
from reconciler.planning import Planned
from reconciler.ports import Source
from reconciler.review import offline
from reconciler.review.as_json import to_json
from reconciler.review.cluster import NO_SNAPSHOT, Cluster, cluster_of, no_cluster
from reconciler.review.markdown import to_markdown
from reconciler.review.preview import ActionKind, ExecutionPreview
from reconciler.working_set import WorkingSet


@click.command("plan")
@click.option("--repo", type=click.Path(path_type=Path, exists=True), help="A clone; default: .")
@click.option("--base", default="", help="What is desired now; default: the branch's tip.")
@click.option("--head", default="", help="What would be; default: HEAD.")
@click.option("--at", default="", help="Short for --head REV with the branch's tip as base.")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json", "markdown", *FORMS]),
    default="text",
    show_default=True,
    help="The last three print the problems alone.",
)
def command(*, repo: Path | None, base: str, head: str, at: str, output: str) -> None:
    """Show what HEAD would create, change and stop, against BASE, and in the queue.

    Exit 0 also with changes; 1 when the head has errors.
    """
    settings = config.load()
    source = _source(settings, repo)
    branch = settings.platform_source.branch if settings.sources else "main"
    base_id = source.resolve(base) if base else _tip(source, branch)
    head_id = source.resolve(at or head or "HEAD")
    with Progress("planning"):
        planned = planning.plan(
            base_id,
            head_id,
            make_reader=lambda: wire.reader(settings, source),
            remembered=lambda wanted: _remembered(settings, source, wanted),
            host=wire.host(settings),
            good={},
        )
    _show(planned, output)
    raise click.exceptions.Exit(1 if planned.errors else 0)


def _show(planned: Planned, output: str) -> None:
    found, cluster = planned.preview, planned.cluster
    taken_at = cluster.observed.taken_at if cluster.id != NO_SNAPSHOT else None
    match output:
        case "text":
            _print(planned)
        case "json":
            told = to_json(
                found,
                base=planned.base,
                head=planned.head,
                diagnostics=planned.diagnostics,
                taken_at=taken_at,
            )
            click.echo(json.dumps(told, indent=2))
        case "markdown":
            text = to_markdown(
                found,
                base=planned.base,
                head=planned.head,
                diagnostics=planned.diagnostics,
                taken_at=taken_at,
            )
            click.echo(text, nl=False)
        case _:
            click.echo(printed(planned.diagnostics, output))


def _tip(source: Source, branch: str) -> str:
    """Return what is desired now, as far as this clone knows: what was pushed, else the branch."""
    try:
        return source.resolve(f"refs/remotes/origin/{branch}")
    except SourceUnavailable:
        return source.resolve(branch)


def _source(settings: Settings, repo: Path | None) -> Source:
    id_ = settings.platform_source.id if settings.sources else "platform"
    return wire.clone(repo or Path(), id_=id_)


def _remembered(settings: Settings, source: Source, base: Wanted) -> tuple[Memory, Cluster]:
    """Return what the database remembers, else what the status branch of this clone tells.

    Without either there is nothing to remember, and the queue is unknown.
    """
    with reading.database(settings) as store:
        stored = None if store is None else store.load()
    if stored is not None:
        working_set = WorkingSet(stored)
        memory = working_set.memory(published_seq=working_set.last_seq)
        if working_set.snapshot is None:
            return memory, no_cluster(SystemClock().now())
        return memory, cluster_of(reading.stored_snapshot(working_set.snapshot))
    try:
        taken, ledger = reading.branch(settings, source)
    except (SourceUnavailable, Missing):
        return Memory(), no_cluster(SystemClock().now())
    memory, seen = offline.recall(ledger, taken, base)
    return memory, cluster_of(seen)


_WHOLE = (ActionKind.CREATE, ActionKind.STOP)
"""Of these every field is new or gone."""

_MARKS = {"create": "+", "stop": "-", "refused": "x", "held": "!", "outdated": "~"}


def _print(planned: Planned) -> None:
    found = planned.preview
    if planned.diagnostics:
        click.echo(to_text(planned.diagnostics), err=True)
    for line in found.lines:
        where = f", number {line.position} in the queue" if line.position else ""
        reason = f": {line.reason}" if line.reason else ""
        mark = _MARKS.get(str(line.action), "~")
        full = f"{line.namespace}/{line.name}"
        click.echo(f"{mark} {full} {line.action}{where}{_when(line)}{reason}")
        for change in line.changes if line.action not in _WHOLE else ():
            click.echo(
                f"    {change.path}: {change.before or 'unset'} -> {change.after or 'unset'}"
            )
    for effect in found.effects:
        click.echo(f"  {effect.namespace}/{effect.name} {effect.told}")
    for quota in found.quotas:
        click.echo(f"  namespace {quota.namespace}: {quota.told}")
    told = f"{len(found.lines)} execution(s) change, {len(planned.errors)} error(s)"
    click.echo(f"{told}; snapshot {found.snapshot}")


def _when(line: ExecutionPreview) -> str:
    if line.start_at is None or line.start_basis == FITS_NOW:
        return f" [{line.start_basis}]" if line.start_basis else ""
    at = when.at(line.start_at, now=SystemClock().now())
    return f" [starts about {at}, by {line.start_basis}]"
