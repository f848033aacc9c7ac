"""``zoe queue``: who waits, in which order, why, and when each is expected to start."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import click

from policy.forecast import FITS_NOW
from policy.words import listed
from reconciler.cli import every, place, show
from reconciler.cli.progress import Progress
from reconciler.clock import SystemClock
from reconciler.view import queue_page
from reconciler.view.queue import Holding, Queue, Start, Waiting


@click.command("queue")
@click.option("-n", "--namespace", default="", help="Only this one's; positions stay those of all.")
@click.option("-l", "--selector", default="", help="Only these labels: course=aml,team!=x,!done.")
@click.option("--all", "with_running", is_flag=True, help="Also what runs, with its replicas.")
@show.output_option()
def command(*, namespace: str, selector: str, with_running: bool, output: str) -> None:
    """Show who waits, in which order, why, and when each is expected to start.

    Times are by what is known now: whoever comes with a higher rank comes between.
    """
    query = queue_page.Query(namespace=namespace, labels=selector)
    try:
        queue_page.check(query)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    with place.here() as there, Progress("working out who starts when"):
        found = every.in_queue(there, query, with_running=with_running)
    if not with_running:
        found = replace(found, running=())
    if output != "text":
        show.as_data(found, output)
        return
    show_text(found, now=SystemClock().now())


def show_text(queue: Queue, *, now: datetime) -> None:
    """Print the queue for people: who waits, who never can, what runs, what is held."""
    show.say(f"{queue.policy}: {queue.rule}")
    seen = show.age(queue.taken_at, now=now)
    if not queue.waiting:
        click.echo(f"nobody waits, as of {seen}")
    else:
        one = len(queue.waiting) == 1
        click.echo(f"{len(queue.waiting)} wait{'s' if one else ''}, as of {seen}\n")
        head = ("#", "execution", "needs", "starts", "why", "behind")
        show.table(head, (_row(line, now) for line in queue.waiting), numbers=(0,), whole=(0, 1))
        if queue.notes:
            click.echo()
        for note in queue.notes:
            show.say(show.sentence(note, now=now))
    if queue.never:
        click.echo("\ncan't start as things are:")
        show.table(("execution", "why"), [(w.full_name, w.why) for w in queue.never], numbers=())
        click.echo(f"zoe explain {queue.never[0].full_name} says what would help")
    if queue.running:
        click.echo("\nrunning:")
        rows = (_running(line, now) for line in queue.running)
        show.table(("execution", "holds", "where", "until"), rows, numbers=())
    if queue.held:
        click.echo("\nheld, so not in the queue or not changed:")
        show.table(("execution", "why"), [(h.full_name, h.why) for h in queue.held], numbers=())


def _row(line: Waiting, now: datetime) -> tuple[str, ...]:
    position = str(line.position) if line.position else "-"
    nearest = line.ahead[0] if line.ahead else ""
    return position, line.full_name, line.needs, starts(line.start, now=now), line.why, nearest


def starts(start: Start, *, now: datetime) -> str:
    """Return when something starts: ``now``, ``14:20 (14:05 to 15:10)``, ``unknown``."""
    if start.at is None:
        return start.because.partition(",")[0] or "unknown"
    if start.basis == FITS_NOW:
        return "now"
    told, low, high = (show.moment(at, now=now) for at in (start.at, start.earliest, start.latest))
    if not low or low == high == told:
        return told
    return f"{told} ({low} to {high})" if high else f"{told} ({low} or later)"


def _running(line: Holding, now: datetime) -> tuple[str, ...]:
    until = f"until {show.moment(line.ends_at, now=now)}" if line.ends_at else ""
    name = f"{line.namespace}/{line.name}"
    return name, line.replicas, f"on {listed(line.nodes)}" if line.nodes else "", until
