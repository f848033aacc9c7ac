"""One execution for people: state first, then why, then when; then what it is made of."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import click

from reconciler.cli import show as showing
from reconciler.cli.columns import aligned
from reconciler.view.execution import Detail, GitBox, Part
from reconciler.view.words import grants


def show(detail: Detail, *, now: datetime) -> None:
    """Print all of an execution but what other verbs show (events, history, logs)."""
    answer(detail, now=now)
    if detail.parts:
        click.echo()
        head = ("component", "holds", "up", "restarts", "nodes", "image")
        showing.table(head, map(_part, detail.parts), numbers=(2, 3), whole=(0, 1))
    if detail.reach:
        click.echo()
        rows = [(reach.component, reach.name, reach.url) for reach in detail.reach]
        showing.table(("component", "port", "reached at"), rows, numbers=(), whole=(0, 1, 2))
        for reach in detail.reach:
            if reach.use:
                click.echo(f"{showing.cell(reach.url)}: {showing.cell(reach.use)}")
    if detail.conditions:
        click.echo()
        titles = ("condition", "", "reason", "since", "message")
        showing.table(titles, _conditions(detail, now), numbers=(), whole=(0, 1, 2, 3))
    if detail.git is not None:
        click.echo()
        for line in aligned(list(_git(detail.git))):
            click.echo(line)


def answer(detail: Detail, *, now: datetime) -> None:
    """Print the state and the three sentences."""
    head = (detail.line.full_name, detail.line.state)
    showing.table(("execution", "state"), [head], numbers=(), colours={1: showing.STATES})
    for sentence in (detail.answer.running, detail.answer.why, detail.answer.when):
        if sentence:
            showing.say(showing.sentence(sentence, now=now))


def _conditions(detail: Detail, now: datetime) -> Iterator[tuple[str, ...]]:
    """Yield a row each; on a terminal what was said above isn't said again."""
    said = [detail.answer.running, detail.answer.why]
    for condition in detail.conditions:
        message = showing.sentence(condition.message, now=now)
        if showing.is_terminal() and any(condition.message in text for text in said):
            message = ""
        said.append(condition.message)
        since = showing.moment(condition.since, now=now)
        yield condition.type, condition.status, condition.reason, since, message


def _part(part: Part) -> tuple[str, ...]:
    core = min(part.core, part.granted)
    holds = grants(core=core, elastic=part.granted - core, most=part.elastic)
    return (
        part.name,
        f"core {core} of {part.core}" if core < part.core else holds,
        str(part.running),
        str(part.restarts),
        ", ".join(part.nodes),
        part.image,
    )


def _git(git: GitBox) -> Iterator[tuple[str, str]]:
    yield "file", f"{git.path}:{git.line}"
    yield "commit", f"{git.commit[:12]} by {git.author}" if git.author else git.commit[:12]
    if git.signer:
        yield "signed by", git.signer
    if git.pull:
        yield "pull request", f"{git.pull} {git.pull_url}".strip()
    if git.edit_url:
        yield "edit", git.edit_url
