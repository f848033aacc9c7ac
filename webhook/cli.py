"""``zoe web``: pages, API and webhooks, in a process that meets the loop in the database only."""

from __future__ import annotations

import contextlib
import logging
import os
import random
import signal
import threading

import click

from reconciler import config
from reconciler import log as logs
from reconciler.clock import SystemClock
from reconciler.config import Settings
from webhook import endpoints
from webhook.endpoint import Endpoint

log = logging.getLogger(__name__)


@click.command("web")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option(
    "--port",
    default=8080,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="0: any free one, which is logged.",
)
@click.option("--paths", is_flag=True, help="Print where each forge is to call, and end.")
@click.option("--verbose", is_flag=True, help="Tell more in the log.")
@click.option("--beside", is_flag=True, hidden=True)
def web(*, host: str, port: int, paths: bool, verbose: bool, beside: bool) -> None:
    """Serve the status page, the API and webhooks until stopped (SIGTERM, Ctrl-C).

    Whoever reaches it may read: what may be seen, and by whom, is the business of a proxy, and so
    is TLS.
    """
    settings = config.load()
    found = endpoints.read(settings, os.environ)
    if paths:
        _print_paths(found)
        return
    logs.set_up(verbose=verbose)
    if beside:
        threading.Thread(target=_end_with_input, daemon=True).start()
    _serve(settings, found, host, port)


def _serve(settings: Settings, found: tuple[Endpoint, ...], host: str, port: int) -> None:
    # Imported here, so that --help and --paths take no longer than they must.
    from reconciler.store.archive import SqlArchive
    from reconciler.store.inbox import SqlInbox
    from webhook import serve
    from webhook.app import create_app, guarded
    from webhook.connections import Connections
    from webhook.guarded import hosts
    from webhook.observing import observing

    clock = SystemClock()
    with (
        SqlInbox(settings.database, random=random.Random()) as inbox,
        SqlArchive(settings.database, clock=clock, random=random.Random()) as archive,
        serve.listen(host, port) as listener,
        observing(settings, archive, clock) as reading,
    ):
        app = create_app(found, inbox, clock.now, reading=reading)
        whole = guarded(app, hosts=hosts(settings), reading=reading)
        serve.serve(whole, listener, Connections(), at_end=reading.streams.close)


def _end_with_input() -> None:
    """End with whoever started us, however that ended."""
    # Not through sys.stdin: its lock, held here, would be missed when the interpreter ends.
    with contextlib.suppress(OSError):
        while os.read(0, 4096):
            pass
    os.kill(os.getpid(), signal.SIGTERM)


def _print_paths(found: tuple[Endpoint, ...]) -> None:
    if not found:
        click.echo(endpoints.NONE)
    for endpoint in found:
        for name in endpoint.names:
            click.echo(f"{endpoint.source_id}  {endpoint.provider.name}  /hooks/{name}")
