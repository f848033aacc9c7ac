"""``zoe web``: receive what forges tell, in a process that meets the loop in the database only."""

from __future__ import annotations

import logging
import os
import random

import click

from reconciler import config
from reconciler import log as logs
from reconciler.clock import SystemClock
from webhook import endpoints
from webhook.endpoint import Endpoint

log = logging.getLogger(__name__)


@click.command("web")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535))
@click.option("--paths", is_flag=True, help="Print where each forge is to call, and end.")
@click.option("--verbose", is_flag=True, help="Tell more in the log.")
def web(*, host: str, port: int, paths: bool, verbose: bool) -> None:
    """Receive webhooks until stopped (SIGTERM, Ctrl-C). TLS is the business of a proxy."""
    settings = config.load()
    found = endpoints.read(settings, os.environ)
    if paths:
        _print_paths(found)
        return
    from reconciler.store.inbox import SqlInbox
    from webhook import serve
    from webhook.app import create_app
    from webhook.connections import Connections

    logs.set_up(verbose=verbose)
    with (
        SqlInbox(settings.database, random=random.Random()) as inbox,
        serve.listen(host, port) as listener,
    ):
        app = create_app(found, inbox, SystemClock().now)
        log.info("listening", extra={"host": host, "port": listener.getsockname()[1]})
        serve.serve(app, listener, Connections())


def _print_paths(found: tuple[Endpoint, ...]) -> None:
    for endpoint in found:
        for name in endpoint.names:
            click.echo(f"{endpoint.source_id}  {endpoint.provider.name}  /hooks/{name}")
