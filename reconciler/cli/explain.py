"""``zoe explain NAMESPACE/NAME``: why it waits, when it starts, and what would change that."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import click

from policy.words import listed
from reconciler.cli import detail_text, place, show
from reconciler.cli.columns import aligned
from reconciler.cli.names import EXECUTION
from reconciler.cli.progress import Progress
from reconciler.clock import SystemClock
from reconciler.view.waiting import Explanation


@click.command("explain")
@click.argument("name", type=EXECUTION)
@show.output_option()
def command(*, name: tuple[str, str], output: str) -> None:
    """Say why NAMESPACE/NAME waits, when it starts, and what would let it start now.

    Whatever is named as a remedy was tried: decided on, with that change made.
    """
    with place.here() as there, Progress(f"asking about {'/'.join(name)}"):
        found = there.detail(*name)
    if output != "text":
        show.as_data(found, output)
        return
    now = SystemClock().now()
    detail_text.answer(found, now=now)
    if found.waiting is not None:
        for line in to_text(found.waiting, now=now):
            show.say(line)


def to_text(told: Explanation, *, now: datetime) -> Iterator[str]:
    """Yield what there is beyond the answer: where it stands, what nodes say, what would help."""
    if told.standing and not told.is_hopeless:
        yield from ("", "Where it stands")
        yield from (f"  {line}" for line in told.standing)
        yield f"  ({told.policy}: {told.rule})"
    if told.asked:
        yield from ("", "What the nodes say")
    for asked in told.asked:
        yield f"  {asked.component}: {asked.told}"
        rows = [(listed(answer.nodes), answer.told) for answer in asked.answers]
        yield from aligned(rows, indent="    ")
    yield ""
    yield from _remedies(told, now)
    yield ""
    yield f"by snapshot {told.snapshot} of the cluster, taken {show.age(told.taken_at, now=now)}"


def _remedies(told: Explanation, now: datetime) -> Iterator[str]:
    if not told.remedies:
        yield "Nothing that was tried would let it start."
        return
    yield "What would let it start now (each was tried)"
    for remedy in told.remedies:
        about = f", about {show.moment(remedy.about, now=now)}" if remedy.about else ""
        yield f"  - {remedy.told}{about}"
