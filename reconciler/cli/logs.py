"""``zoe logs``: the last lines, of what runs and of what was harvested when it ended."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

import click

from policy.model.execution import Uid
from reconciler import config, wire
from reconciler.cli import reading, server
from reconciler.cli.log_lines import Lines
from reconciler.cli.names import EXECUTION
from reconciler.cli.past import NO_PLACE
from reconciler.cli.server import Server
from reconciler.clock import SystemClock
from reconciler.config import Settings
from reconciler.converge.tasks import groups_by_uid
from reconciler.errors import Missing, TransientError
from reconciler.manifest.suggest import did_you_mean
from reconciler.ports import Cluster
from reconciler.view.execution import Detail, Log
from reconciler.view.words import escaped

POLL_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """The logs as they are now. ``told`` says why none are shown; ``is_over``: none will come."""

    logs: tuple[Log, ...]
    told: str
    is_over: bool


Look = Callable[[], Looked]


@click.command("logs")
@click.argument("name", type=EXECUTION)
@click.option(
    "--tail",
    type=click.IntRange(1, 10_000),
    default=200,
    show_default=True,
    help="Lines of each part.",
)
@click.option("--component", default="", help="Only this component.")
@click.option("-f", "--follow", is_flag=True, help="Then lines to come, until it ends or Ctrl-C.")
def command(*, name: tuple[str, str], tail: int, component: str, follow: bool) -> None:
    """Show the logs of NAMESPACE/NAME.

    From a server, where its namespace lets them be shown; else from the database and the Swarm.
    Where there are several components, each line begins with its own.
    """
    with _looking(*name, tail=tail) as look:
        looked = look()
        lines = Lines(component=component, tail=tail)
        if not follow:
            chosen = lines.chosen(looked.logs)
            if looked.logs and not chosen:
                remedy = did_you_mean(
                    component, {log.component for log in looked.logs}, otherwise=""
                )
                raise Missing(f"no log of a component {component}: {remedy}")
            for log in chosen:
                click.echo(f"--- {_title(log)}", err=True)
        _print(lines, looked)
        if looked.told and not looked.logs:
            click.echo(f"zoe: {looked.told}", err=True)
        if follow:
            _follow(look, lines, looked)


def _follow(look: Look, lines: Lines, looked: Looked) -> None:
    pause, is_away = threading.Event(), False
    while not looked.is_over:
        pause.wait(POLL_S)
        try:
            looked = look()
        except TransientError as error:
            if not is_away:
                click.echo(f"zoe: {error}; still trying", err=True)
            is_away = True
            continue
        is_away = False
        _print(lines, looked)


def _print(lines: Lines, looked: Looked) -> None:
    for line in lines.new(looked.logs):
        click.echo(escaped(line))  # whatever a server says


def _title(log: Log) -> str:
    if not log.attempt:
        return f"{log.component} on {log.node} now"
    code = "" if log.exit_code is None else f", exit code {log.exit_code}"
    return f"{log.component} on {log.node}, attempt {log.attempt}{code}"


def _looking(namespace: str, name: str, *, tail: int) -> AbstractContextManager[Look]:
    asked = server.configured()
    return _local(namespace, name, tail) if asked is None else _remote(asked, namespace, name)


@contextmanager
def _remote(asked: Server, namespace: str, name: str) -> Iterator[Look]:
    """Lend what asks the server; that it is asked lets the loop read what runs."""

    def look() -> Looked:
        detail = asked.read(Detail, f"executions/{namespace}/{name}")
        is_over = detail.line.ended_at is not None
        return Looked(logs=detail.logs, told=detail.logs_told, is_over=is_over)

    yield look


@contextmanager
def _local(namespace: str, name: str, tail: int) -> Iterator[Look]:
    """Lend what reads the database, and the Swarm while it runs."""
    settings = config.load()
    if not wire.has_database(settings):
        raise reading.nowhere(settings, NO_PLACE)
    status = reading.found(namespace, name)["status"]
    if status.get("endedAt"):
        yield lambda: _kept(namespace, name, settings)
        return
    with wire.cluster(settings, SystemClock()) as cluster:

        def look() -> Looked:
            kept = _kept(namespace, name, settings)
            if kept.is_over:
                return kept
            uid = reading.found(namespace, name)["metadata"]["uid"]
            live = tuple(_live(cluster, uid, tail))
            return Looked(logs=(*kept.logs, *live), told="", is_over=False)

        yield look


def _kept(namespace: str, name: str, settings: Settings) -> Looked:
    """Return what was harvested."""
    document = reading.found(namespace, name)
    with reading.required_database(settings) as store:
        harvests = store.harvests(document["metadata"]["uid"])
    logs = tuple(
        Log(
            component=harvest.component,
            node=harvest.node,
            text=harvest.log_tail,
            at=harvest.at,
            attempt=harvest.attempt,
            exit_code=harvest.exit_code,
        )
        for harvest in harvests
    )
    return Looked(logs=logs, told="", is_over=bool(document["status"].get("endedAt")))


def _live(cluster: Cluster, uid: str, tail: int) -> Iterator[Log]:
    """Yield what the Swarm has of a run now."""
    observed = cluster.observe()
    for group in groups_by_uid(observed).get(Uid(uid), ()):
        try:
            text = cluster.logs(group.service.id, tail=tail)
        except Missing:
            continue  # it has just ended: its harvest comes
        yield Log(
            component=group.component,
            node=group.node_name if group.service.spec.node else "",
            text=text,
            at=observed.taken_at,
        )
