"""``zoe wait``: block until an execution is where one wants it, for scripts."""

from __future__ import annotations

import contextlib
import threading
from datetime import timedelta

import click

from reconciler.cli import place, server
from reconciler.cli.names import EXECUTION
from reconciler.cli.progress import Progress
from reconciler.clock import SystemClock
from reconciler.errors import TransientError
from reconciler.manifest.quantities import duration_ms

ENDED = frozenset({"Succeeded", "Failed", "Stopped", "Invalid"})
POLL_S = 0.5
FAR_POLL_S = 2.0  # a whole class may wait at one server
TIMED_OUT = 4
UNKNOWN = "unknown yet"


@click.command("wait")
@click.argument("name", type=EXECUTION)
@click.option(
    "--for",
    "phase",
    type=click.Choice(["Running", "Succeeded", "Ended"]),
    default="Ended",
    help="What to wait for; Running counts when it has already succeeded.",
)
@click.option("--timeout", default="10m", help="At most so long, such as 30s or 4h.")
def command(*, name: tuple[str, str], phase: str, timeout: str) -> None:
    """Wait for NAMESPACE/NAME. Exit 0: reached; 1: ended otherwise; 4: timed out."""
    try:
        limit = timedelta(milliseconds=duration_ms(timeout))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--timeout") from error
    clock, pause = SystemClock(), threading.Event()
    until = clock.now() + limit
    now = _state(name)  # what can't be reached now at all is no reason to wait
    with Progress(f"waiting for {'/'.join(name)}") as progress:
        while (code := outcome(now, phase)) is None and clock.now() < until:
            progress.tell(f"{'/'.join(name)} is {now}")
            pause.wait(FAR_POLL_S if server.configured() else POLL_S)
            with contextlib.suppress(TransientError):  # it may come back
                now = _state(name)
    click.echo(f"{'/'.join(name)} is {now}")
    raise click.exceptions.Exit(TIMED_OUT if code is None else code)


def _state(name: tuple[str, str]) -> str:
    with place.here() as there:
        return there.state(*name) or UNKNOWN


def outcome(phase: str, wanted: str) -> int | None:
    """Return 0 (reached), 1 (ended otherwise) or None (not there yet)."""
    reached = {
        "Running": {"Running", "Succeeded"},
        "Succeeded": {"Succeeded"},
        "Ended": ENDED,
    }[wanted]
    if phase in reached:
        return 0
    return 1 if phase in ENDED else None
