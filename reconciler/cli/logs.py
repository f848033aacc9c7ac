"""``zoe logs``: the last lines, of what runs and of what was harvested when it ended."""

from __future__ import annotations

import click

from reconciler import config, wire
from reconciler.cli import reading
from reconciler.cli.names import EXECUTION
from reconciler.clock import SystemClock
from reconciler.converge.state import LABEL_COMPONENT, LABEL_UID


@click.command("logs")
@click.argument("name", type=EXECUTION)
@click.option("--tail", type=click.IntRange(1, 10_000), default=200, help="Lines of each part.")
@click.option("--component", default="", help="Only this component.")
def command(*, name: tuple[str, str], tail: int, component: str) -> None:
    """Show the logs of NAMESPACE/NAME."""
    document = reading.found(*name)
    settings = config.load()
    uid = document["metadata"]["uid"]
    with reading.required_database(settings) as store:
        harvests = store.harvests(uid)
    for harvest in harvests:
        if component in ("", harvest.component):
            code = "" if harvest.exit_code is None else f", exit code {harvest.exit_code}"
            _print(
                f"{harvest.component} on {harvest.node}, attempt {harvest.attempt}{code}",
                harvest.log_tail,
                tail,
            )
    if document["status"].get("endedAt"):
        return
    with wire.cluster(settings, SystemClock()) as cluster:
        for service in cluster.observe().services:
            labels = service.spec.labels
            if labels.get(LABEL_UID) == uid and component in ("", labels.get(LABEL_COMPONENT)):
                text = cluster.logs(service.id, tail=tail)
                _print(f"{labels.get(LABEL_COMPONENT)} now", text, tail)


def _print(title: str, text: str, tail: int) -> None:
    click.echo(f"--- {title}", err=True)
    for line in text.splitlines()[-tail:]:
        click.echo(line)
