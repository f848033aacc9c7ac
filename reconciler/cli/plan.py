"""``zoe plan``: what a revision would do, without doing it."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import click

from reconciler import config, hosting, planning, wire
from reconciler.cli.plan_text import to_text
from reconciler.cli.problems import FORMS, printed
from reconciler.cli.progress import Progress
from reconciler.cli.recollection import Recollection
from reconciler.config import Settings
from reconciler.errors import SourceUnavailable
from reconciler.manifest import diagnostic
from reconciler.planning import Planned
from reconciler.ports import Source
from reconciler.review.as_json import to_json
from reconciler.review.cluster import NO_SNAPSHOT
from reconciler.review.markdown import to_markdown

SETTINGS_LIMIT_BYTES = 100_000


@click.command("plan")
@click.option("--repo", type=click.Path(path_type=Path, exists=True), help="A clone; default: .")
@click.option(
    "--base", default="", help="What is desired now; default: the branch's tip; 0: nothing."
)
@click.option("--head", default="", help="What would be; default: HEAD.")
@click.option("--at", default="", help="Short for --head REV with the branch's tip as base.")
@click.option(
    "--offline",
    is_flag=True,
    help="From this clone alone: no database; settings are those committed at the base.",
)
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json", "markdown", *FORMS]),
    default="text",
    show_default=True,
    help="The last three print the problems alone.",
)
def command(
    *, repo: Path | None, base: str, head: str, at: str, offline: bool, output: str
) -> None:
    """Show what HEAD would create, change and stop, against BASE, and in the queue.

    Exit 0 also with changes; 1 when the head has errors.
    """
    settings = Settings() if offline else config.load()
    source = _source(settings, repo)
    head_id = source.resolve(at or head or "HEAD")
    base_id = _base(settings, source, base, head_id)
    if offline:
        settings = _settings_at(source, base_id)
        source = _source(settings, repo)
    known = Recollection(settings, source, is_offline=offline)
    with Progress("planning"):
        planned = planning.plan(
            base_id,
            head_id,
            make_reader=lambda: wire.reader(settings, source),
            remembered=known.of,
            host=hosting.host(settings),
            good={},
            past=known.past,
        )
    _show(planned, output)
    raise click.exceptions.Exit(1 if planned.errors else 0)


def _show(planned: Planned, output: str) -> None:
    found, cluster = planned.preview, planned.cluster
    taken_at = cluster.observed.taken_at if cluster.id != NO_SNAPSHOT else None
    match output:
        case "text":
            if planned.diagnostics:
                click.echo(diagnostic.to_text(planned.diagnostics), err=True)
            click.echo(to_text(planned))
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


def _branch(settings: Settings) -> str:
    return settings.platform_source.branch if settings.sources else "main"


def _base(settings: Settings, source: Source, given: str, head: str) -> str:
    """Return what to compare with, "" for nothing, which Git writes as zeros.

    Not named it is what is desired now, as far as this clone knows: what was pushed, else the
    branch; with the head there and no status ever seen, nothing is.
    """
    if given:
        return source.resolve(given) if given.strip("0") else ""
    branch = _branch(settings)
    if (pushed := _found(source, f"refs/remotes/origin/{branch}")) is not None:
        return pushed
    tip = source.resolve(branch)
    return tip if tip != head or _found(source, settings.status_branch) is not None else ""


def _found(source: Source, revision: str) -> str | None:
    with suppress(SourceUnavailable):
        return source.resolve(revision)
    return None


def _source(settings: Settings, repo: Path | None) -> Source:
    id_ = settings.platform_source.id if settings.sources else "platform"
    return wire.clone(repo or Path(), id_=id_)


def _settings_at(source: Source, base: str) -> Settings:
    """Return the settings that a revision holds, else the defaults.

    What lies in the folder is the head's where a pull request was checked out: it may not choose
    what it is judged by.
    """
    blob = source.tree(base).files.get(config.DEFAULT_FILE)
    if blob is None:
        return Settings()
    return config.parse(source.read(blob, limit_bytes=SETTINGS_LIMIT_BYTES))
