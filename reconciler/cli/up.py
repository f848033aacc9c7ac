"""``zoe up``: reconcile and serve the page in one command, for small installations."""

from __future__ import annotations

import click

from reconciler import config, lead, log
from reconciler.cli.page_beside import free_port, page


@click.command("up")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where the page listens.")
@click.option(
    "--port",
    default=8080,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="0: any free one, which is said.",
)
@click.option("--verbose", is_flag=True, help="Tell more in the log.")
def command(*, host: str, port: int, verbose: bool) -> None:
    """Reconcile and serve the page until stopped, and say where to look."""
    log.set_up(verbose=verbose)
    settings = config.load()
    source = settings.platform_source
    port = port or free_port(host, 0)
    click.echo(f"reconciling {source.url} ({source.branch}) every {settings.interval_s} s")
    click.echo(f"status is on branch {settings.status_branch}; here: zoe status")
    shown = f"[{host}]" if ":" in host else host
    click.echo(f"the page: http://{shown}:{port}/")
    with page(["--host", host, "--port", str(port), *(["--verbose"] if verbose else [])]):
        lead.run(settings)
