"""``zoe open``: an execution's own page, such as its notebook, in the browser."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

import click

from reconciler.cli import show
from reconciler.cli.names import EXECUTION
from reconciler.cli.place import here
from reconciler.converge.status import Endpoint, Phase

_SCHEMES = ("http", "https")


@click.command("open")
@click.argument("name", type=EXECUTION)
@click.option(
    "--port", default="", help="Which, if there are several: a port's or component's name."
)
@click.option("--print", "is_printed", is_flag=True, help="Print its address and open nothing.")
def command(*, name: tuple[str, str], port: str, is_printed: bool) -> None:
    """Open the page of NAMESPACE/NAME, such as a notebook, in the browser."""
    reach, told = _found(*name)
    url = _chosen("/".join(name), reach, port, told)
    if is_printed:
        click.echo(show.cell(url))
        return
    import webbrowser

    click.echo(f"opening {show.cell(url)}")
    if not webbrowser.open(url):
        raise click.ClickException(f"there is no browser here: open {url} yourself")


def _found(namespace: str, name: str) -> tuple[Sequence[Endpoint], str]:
    """Return where it can be reached, and how it is if it can't."""
    with here() as place:
        detail = place.detail(namespace, name)
    if detail.line.state == Phase.RUNNING:
        return detail.reach, "it runs, but publishes no port"
    return detail.reach, detail.answer.why or detail.answer.running


def _chosen(name: str, reach: Sequence[Endpoint], port: str, told: str) -> str:
    """Return the one address that is meant.

    Raises:
        click.ClickException: There is none, or there are several; says which.
    """
    pages = [one for one in reach if urlsplit(one.url).scheme in _SCHEMES]
    if not reach:
        raise click.ClickException(f"{name} can't be reached now: {told}")
    if not pages:
        others = ", ".join(sorted({one.url for one in reach}))
        raise click.ClickException(f"{name} has no page, only {others}")
    wanted = [one for one in pages if not port or port in (one.name, one.component)]
    if not wanted:
        raise click.ClickException(f"{name} has no page {port}: there is {_listed(pages)}")
    if len(wanted) > 1:
        raise click.ClickException(f"{name} has several: choose with --port: {_listed(wanted)}")
    return wanted[0].url


def _listed(pages: Sequence[Endpoint]) -> str:
    return ", ".join(f"{one.name} of {one.component} at {one.url}" for one in pages)
