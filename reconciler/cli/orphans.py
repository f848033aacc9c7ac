"""``zoe orphans``: what carries our labels and nobody knows, and how it goes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import click

from policy.model.execution import Uid
from reconciler import config, wire
from reconciler.cli import reading, rebuild, show
from reconciler.clock import SystemClock
from reconciler.config import Settings
from reconciler.converge.orphans import SECRET, Orphan, orphans
from reconciler.errors import ConflictError, DatabaseBehind, Missing
from reconciler.ports import Cluster
from reconciler.recovery import adopting, continuity
from reconciler.view.words import instant
from reconciler.working_set import WorkingSet


@click.group("orphans", invoke_without_command=True)
@show.output_option()
@click.pass_context
def command(context: click.Context, output: str) -> None:
    """Show what carries our labels and nobody knows. Zoe never touches it by itself."""
    if context.invoked_subcommand is not None:
        return
    with _found(config.load()) as (_, orphaned):
        found = tuple(orphaned)
    if output != "text":
        show.as_data(found, output)
    elif not found:
        click.echo("no orphans")
    else:
        rows = [(o.kind, o.name, o.owner, instant(o.created_at)) for o in found]
        show.table(("kind", "name", "says it is of", "made at"), rows, numbers=(), whole=(1,))
        click.echo(
            "look at them, then: zoe orphans adopt NAME (a service goes on as it is), or: "
            "zoe orphans remove NAME",
            err=True,
        )


@command.command("adopt")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
def adopt(*, names: tuple[str, ...]) -> int:
    """Make the runs of services known, by their NAMEs.

    What the Swarm shows is entered; nothing is started, stopped or changed. A run that Git doesn't
    ask for is held until zoe release; exit code 1 says that there is one. No zoe run may lead
    meanwhile. Where the database lacks more than that (DatabaseBehind), zoe rebuild is the way.
    """
    settings = config.load()
    with _found(settings) as (_, found):
        _check(names, found)
        if secrets := [o.name for o in found if o.name in names and o.kind == SECRET]:
            raise click.UsageError(f"{', '.join(secrets)}: only services can be adopted")
        uids = {Uid(orphan.uid) for orphan in found if orphan.name in names}
    if told := continuity.look(settings, SystemClock()):
        # The numbers of what is entered would hide that facts before them are missing.
        raise DatabaseBehind(told)
    sources = [source.id for source in settings.sources]
    done = rebuild.instead_of_leading(
        settings, lambda parts, lease: adopting.adopt(parts, lease, uids, sources=sources)
    )
    for name in done.names:
        click.echo(f"adopted {name}")
    for name in done.as_is:
        click.echo(f"{name}: what it was made from isn't known; edits are its next run's")
    for name in done.held:
        click.echo(f"{name}: held: {adopting.HELD} (zoe release {name})")
    return int(bool(done.held))


@command.command("remove")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--all", "takes_all", is_flag=True, help="All that zoe orphans shows.")
def remove(*, names: tuple[str, ...], takes_all: bool) -> None:
    """Remove orphans by NAME, for good: their output goes with them.

    What became known meanwhile, or is somebody else's, stays.
    """
    if bool(names) == takes_all:
        raise click.UsageError("name what is to go (zoe orphans shows it), or say --all")
    with _found(config.load()) as (cluster, found):
        _check(names, found)
        going = [orphan for orphan in found if takes_all or orphan.name in names]
        # A secret that a service still mounts can't go before it.
        for orphan in sorted(going, key=lambda orphan: orphan.kind == SECRET):
            _remove(cluster, orphan)


def _check(names: Sequence[str], found: Sequence[Orphan]) -> None:
    if unknown := sorted(set(names) - {orphan.name for orphan in found}):
        raise Missing(f"no orphan is called {', '.join(unknown)}; zoe orphans shows them")


def _remove(cluster: Cluster, orphan: Orphan) -> None:
    try:
        if orphan.kind == SECRET:
            cluster.remove_secret(orphan.id)
        else:
            cluster.remove_service(orphan.id, uid=orphan.uid)
    except ConflictError as error:
        raise click.ClickException(f"{orphan.name} stays: {error}") from error
    click.echo(f"removed {orphan.kind} {orphan.name}")


@contextmanager
def _found(settings: Settings) -> Iterator[tuple[Cluster, Sequence[Orphan]]]:
    """Lend the Swarm, and what in it nobody knows. The Swarm is read first.

    What is started after that was written into the database before, so it can't be missed there.
    """
    with wire.cluster(settings, SystemClock()) as cluster:
        observed = cluster.observe()
        with reading.required_database(settings) as store:
            records = WorkingSet(store.load()).memory(published_seq=0).records
        known = {uid for uid, record in records.items() if record.attempt}
        yield cluster, orphans(observed, known, deployment=settings.deployment)
