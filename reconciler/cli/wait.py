"""``zoe wait``: block until an execution is where one wants it, for scripts."""

from __future__ import annotations

import contextlib
import threading
from datetime import timedelta
from pathlib import Path

import click

from reconciler.cli import place, server, work_tree
from reconciler.cli.names import EXECUTION
from reconciler.cli.progress import Progress
from reconciler.cli.reading import NoDatabaseYet
from reconciler.clock import SystemClock
from reconciler.errors import TransientError
from reconciler.manifest.diagnostic import Complaint
from reconciler.manifest.quantities import duration_ms

ENDED = frozenset({"Succeeded", "Failed", "Stopped", "Invalid"})
POLL_S = 0.5
FAR_POLL_S = 2.0  # a whole class may wait at one server
TIMED_OUT = 4
UNKNOWN = "unknown yet"
UNSEEN = "Zoe hasn't seen what was pushed last"


@click.command("wait")
@click.argument("name", type=EXECUTION)
@click.option(
    "--for",
    "phase",
    type=click.Choice(["Running", "Succeeded", "Ended"], case_sensitive=False),
    default="Ended",
    show_default=True,
    help="What to wait for; Running counts when it has already succeeded.",
)
@click.option(
    "--timeout", default="10m", show_default=True, help="At most so long, such as 30s or 4h."
)
def command(*, name: tuple[str, str], phase: str, timeout: str) -> None:
    """Wait for NAMESPACE/NAME. Exit 0: reached; 1: ended otherwise; 4: timed out.

    After a push from this clone, it waits first until Zoe has seen it; before the first pass, for
    that.
    """
    try:
        limit = timedelta(milliseconds=duration_ms(timeout))
    except Complaint as error:
        raise click.BadParameter(f"{error}: {error.remedy}", param_hint="--timeout") from error
    clock, pause = SystemClock(), threading.Event()
    until = clock.now() + limit
    now = _state(name)  # what can't be reached now at all is no reason to wait
    pushed = work_tree.pushed(Path())
    is_seen = _has_seen(pushed)
    with Progress(f"waiting for {'/'.join(name)}") as progress:
        while (code := outcome(now, phase) if is_seen else None) is None and clock.now() < until:
            progress.tell(f"{'/'.join(name)} is {now}" if is_seen else UNSEEN)
            pause.wait(FAR_POLL_S if server.configured() else POLL_S)
            is_seen = is_seen or _has_seen(pushed)
            with contextlib.suppress(TransientError):
                now = _state(name)
    click.echo(f"{'/'.join(name)} is {now}" + ("" if is_seen else f"; {UNSEEN}"))
    raise click.exceptions.Exit(TIMED_OUT if code is None else code)


def _has_seen(pushed: str) -> bool:
    """Tell whether what is known follows already from what was pushed from this clone."""
    if not pushed:
        return True
    with contextlib.suppress(TransientError, NoDatabaseYet):  # it may come back, or be made
        with place.here() as there:
            fresh = there.freshness()
        return fresh is None or not work_tree.is_before(Path(), fresh.commit, pushed)
    return False


def _state(name: tuple[str, str]) -> str:
    try:
        with place.here() as there:
            return there.state(*name) or UNKNOWN
    except NoDatabaseYet as error:  # zoe up may have begun just now
        return f"{UNKNOWN}: {error}"


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
