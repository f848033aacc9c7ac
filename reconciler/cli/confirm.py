"""``zoe confirm``: let a held commit through, or let go of a source that isn't any more."""

from __future__ import annotations

import click

from reconciler import config, sources
from reconciler.cli import reading
from reconciler.cli.whoami import whoami
from reconciler.clock import SystemClock
from reconciler.config import Settings
from reconciler.errors import ConfigError, SourceUnavailable
from reconciler.source.tenants import parting


@click.command("confirm")
@click.argument("commit")
def command(*, commit: str) -> None:
    """Confirm COMMIT: its deletes are carried out, or its rewritten history is accepted.

    COMMIT may also be the id of a source that was taken out of zoe.toml: what came from there, and
    goes on, is stopped.
    """
    settings = config.load()
    with reading.required_database(settings) as store:
        accepted = store.load().accepted
        declared = {source.id for source in settings.sources}
        if commit in accepted and commit not in declared:
            source, told = settings.platform_source.id, parting(commit, accepted[commit])
        else:
            source, told = find(settings, commit)
        store.confirm(told, by=whoami(), at=SystemClock().now())
        store.request_pass(source)
    click.echo(f"confirmed {told if told.startswith(f'{commit}@') else told[:12]}")


def find(settings: Settings, revision: str) -> tuple[str, str]:
    """Return the source that has a commit, and the commit's whole id.

    Raises:
        SourceUnavailable: None has it.
    """
    refused: SourceUnavailable | None = None
    for source in sources.mirrors(settings):
        try:
            return source.id, source.resolve(revision)
        except SourceUnavailable as error:
            refused = refused or error
    raise refused or ConfigError("zoe.toml names no source")
