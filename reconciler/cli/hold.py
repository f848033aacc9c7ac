"""``zoe hold`` and ``zoe release``: an operator's word, also while the forge can't be reached."""

from __future__ import annotations

import click

from reconciler import config
from reconciler.cli import reading
from reconciler.cli.names import EXECUTION
from reconciler.cli.whoami import whoami
from reconciler.clock import SystemClock
from reconciler.converge.world import HoldRequest
from reconciler.errors import Missing
from reconciler.ports import Store
from reconciler.text import clean, scrub
from reconciler.working_set import WorkingSet

MOST_CHARACTERS = 500


def _text(_: click.Context, __: click.Parameter, value: str | None) -> str:
    """Return a reason as one line that is fit to show everywhere."""
    text = scrub(clean(value or "", limit=MOST_CHARACTERS))
    if value is not None and not text.strip():
        raise click.BadParameter("write a sentence: others will read it and wonder")
    return text


@click.command("hold")
@click.argument("name", type=EXECUTION)
@click.option("--reason", callback=_text, required=True, help="Why; shown wherever its status is.")
def hold(*, name: tuple[str, str], reason: str) -> None:
    """Leave NAMESPACE/NAME as it is, whatever Git asks for, until it is released.

    What waits isn't started. What runs goes on: it isn't edited, stopped, rerun or resized.
    """
    settings = config.load()
    reading.found(*name)
    with reading.required_database(settings) as store:
        _ask(store, settings.platform_source.id, name, told=reason, is_release=False)
    click.echo(f"{'/'.join(name)} is held from the next pass on")


@click.command("release")
@click.argument("name", type=EXECUTION)
@click.option("--reason", callback=_text, help="Why; for the history.")
def release(*, name: tuple[str, str], reason: str) -> None:
    """Let NAMESPACE/NAME do again what Git asks for, with the next pass."""
    settings = config.load()
    reading.found(*name)
    with reading.required_database(settings) as store:
        memory = WorkingSet(store.load()).memory(published_seq=0)
        if name not in memory.holds().keys() | memory.undecided():
            raise Missing(f"{'/'.join(name)} isn't held by an operator; zoe status says how it is")
        _ask(store, settings.platform_source.id, name, told=reason, is_release=True)
    click.echo(f"{'/'.join(name)} is released with the next pass")


def _ask(
    store: Store, source_id: str, name: tuple[str, str], *, told: str, is_release: bool
) -> None:
    store.ask_hold(
        HoldRequest(
            namespace=name[0],
            name=name[1],
            by=whoami(),
            at=SystemClock().now(),
            told=told,
            is_release=is_release,
        )
    )
    store.request_pass(source_id)
