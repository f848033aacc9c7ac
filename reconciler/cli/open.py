"""``zoe open``: an execution's own page, such as its notebook, in the browser."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import click

from reconciler.cli import show
from reconciler.cli.names import EXECUTION
from reconciler.cli.place import here
from reconciler.converge.status import SOCKS, Endpoint, Phase, best

_SCHEMES = ("http", "https")


@click.command("open")
@click.argument("name", type=EXECUTION)
@click.option(
    "--port", default="", help="Which, if there are several: a port's or component's name."
)
@click.option("--print", "is_printed", is_flag=True, help="Print its address and open nothing.")
@click.option(
    "--socks", "by_socks", is_flag=True, help="Let a browser into its network, until Ctrl-C."
)
@click.option(
    "--listen",
    default=1080,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="With --socks: the port on this machine, for this machine only; 0: any free one.",
)
@click.option(
    "--identity",
    type=click.Path(path_type=Path),
    help="Your SSH key, for its token or the password. Default ~/.ssh/id_ed25519.",
)
def command(
    *,
    name: tuple[str, str],
    port: str,
    is_printed: bool,
    by_socks: bool,
    listen: int,
    identity: Path | None,
) -> None:
    """Open the page of NAMESPACE/NAME, such as a notebook, in the browser.

    With --socks its pages are opened by the names that they link to one another by: the browser
    goes through a port of this machine, which adds the password of the namespace's gateway.
    """
    from reconciler.cli import letters

    reach, told = _found(*name)
    if by_socks:
        from reconciler.cli import socks

        through = [one for one in reach if one.via == SOCKS]
        if reach and not through:
            full = "/".join(name)
            raise click.ClickException(f"nothing of {full} needs SOCKS: zoe open {full}")
        page = _chosen("/".join(name), through, port, told)
        if is_printed:
            click.echo(show.cell(page.url))
        else:
            socks.forward(name[0], page, listen=listen, identity=identity)
        return
    direct = [one for one in reach if one.via != SOCKS]
    page = _chosen("/".join(name), direct, port, told)
    url = letters.with_token(page.url, *name, identity)
    if is_printed:
        click.echo(show.cell(url))
        return
    import webbrowser

    click.echo(f"opening {show.cell(page.url)}")
    if not webbrowser.open(url):
        raise click.ClickException(f"there is no browser here: open {page.url} yourself")


def _found(namespace: str, name: str) -> tuple[Sequence[Endpoint], str]:
    """Return where it can be reached, and how it is if it can't."""
    with here() as place:
        detail = place.detail(namespace, name)
    if detail.line.state == Phase.RUNNING:
        return detail.reach, "it runs, but publishes no port"
    return detail.reach, detail.answer.why or detail.answer.running


def _chosen(name: str, reach: Sequence[Endpoint], port: str, told: str) -> Endpoint:
    """Return the one address that is meant: of a port's several the one that stays.

    Raises:
        click.ClickException: There is none, or there are several; says which.
    """
    pages = best([one for one in reach if urlsplit(one.url).scheme in _SCHEMES])
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
    return wanted[0]


def _listed(pages: Sequence[Endpoint]) -> str:
    return ", ".join(f"{one.name} of {one.component} at {one.url}" for one in pages)
