"""``zoe open --socks``: a port of this machine that leads into a namespace's network."""

from __future__ import annotations

import asyncio
import os
import shlex
from pathlib import Path

import click

from reconciler.cli import letters, show
from reconciler.converge.gateway_services import PASSWORD, USER, letter_path
from reconciler.converge.status import Endpoint
from reconciler.net.forwarder import LOOPBACK, forwarding
from reconciler.net.socks import Proxy

PASSWORD_VARIABLE = "ZOE_SOCKS_PASSWORD"  # noqa: S105 - a variable's name


def forward(namespace: str, page: Endpoint, *, listen: int, identity: Path | None) -> None:
    """Forward until Ctrl-C, having said what to do with it.

    Raises:
        TransientError: The gateway can't be reached.
        Missing, ConfigError: There is no password for this person, or it is refused.
    """
    host, _, port = page.proxy.rpartition(":")
    password = os.environ.get(PASSWORD_VARIABLE) or _password(namespace, identity)
    proxy = Proxy(host=host.strip("[]"), port=int(port), user=USER, password=password)
    try:
        asyncio.run(_until_interrupted(proxy, page.url, listen))
    except KeyboardInterrupt:
        click.echo("closed")


async def _until_interrupted(proxy: Proxy, url: str, listen: int) -> None:
    async with forwarding(proxy, listen) as port:
        shown = show.cell(url)
        click.echo(f"{shown} can be opened through SOCKS5 at {LOOPBACK}:{port}, until Ctrl-C.")
        click.echo("In a browser of its own:")
        click.echo(f"  chromium --proxy-server=socks5://{LOOPBACK}:{port} {shlex.quote(shown)}")
        click.echo(f"Or in Firefox: SOCKS Host {LOOPBACK}, Port {port}, SOCKS v5, and")
        click.echo('"Proxy DNS when using SOCKS v5"; what isn\'t of that network goes there, too.')
        await asyncio.Event().wait()


def _password(namespace: str, identity: Path | None) -> str:
    """Return the password that members are told on the status branch."""
    what = f"the password of {namespace}'s gateway ({PASSWORD_VARIABLE} is unset)"
    return letters.opened(letter_path(namespace), namespace, what, identity)[PASSWORD]
