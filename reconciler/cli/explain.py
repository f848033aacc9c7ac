"""``zoe explain NAMESPACE/NAME``: why it waits, when it starts, and what would change that."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import click

from policy.explain import Explanation, explain
from policy.forecast import FITS_NOW, Expected, forecast
from policy.model.decision import NEVER, Reason, ReasonCode
from policy.model.execution import Component, Execution
from policy.model.resources import format_resources
from policy.reasons import brief
from policy.remedy.change import Change
from policy.remedy.of_others import Wait
from policy.remedy.search import Fix
from policy.standing import RULES, Ahead
from policy.verdicts import Verdict
from policy.words import listed
from reconciler import canonical
from reconciler.cli import queue, reading, when
from reconciler.cli.columns import aligned
from reconciler.cli.names import EXECUTION
from reconciler.cli.progress import Progress
from reconciler.clock import SystemClock
from reconciler.converge.instants import from_epoch_ms
from reconciler.converge.snapshots import Taken


@click.command("explain")
@click.argument("name", type=EXECUTION)
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text")
def command(*, name: tuple[str, str], output: str) -> None:
    """Say why NAMESPACE/NAME waits, when it starts, and what would let it start now.

    Whatever is named as a remedy was tried: decided on, with that change made.
    """
    taken, now = reading.snapshot(), SystemClock().now()
    found = _found(taken, name)
    if found is None:
        _print_status(name, output)
    elif found.is_admitted:
        _print_running(found, taken, output, now, reading.hold(reading.find(*name) or {}))
    else:
        with Progress(f"asking about {'/'.join(name)}"):
            told = explain(taken.snapshot, taken.settings, found.uid, priorities=taken.priorities)
            expected = next(
                e for e in forecast(taken.snapshot, taken.settings) if e.uid == found.uid
            )
        if output == "json":
            click.echo(json.dumps(to_json(taken, found, told, expected), indent=2))
            return
        for line in to_text(taken, found, told, expected, now=now):
            click.echo(line)


def _found(taken: Taken, name: tuple[str, str]) -> Execution | None:
    """Return who is meant: of several runs the one that waits, of these the newest."""
    mine = [e for e in taken.snapshot.executions if (e.namespace, e.name) == name]
    return max(mine, key=lambda e: (not e.is_admitted, e.queued_ms), default=None)


def _print_status(name: tuple[str, str], output: str) -> None:
    """Say of what is neither queued nor running what its status says."""
    document = reading.found(*name)
    status = document["status"]
    if output == "json":
        told = {"state": status["phase"], "reason": status.get("reason", "")}
        click.echo(json.dumps({**told, "message": status.get("message", "")}, indent=2))
        return
    message = status.get("message") or status.get("reason") or "nothing more is known"
    click.echo(f"{'/'.join(name)} is {status['phase']}: {message}")


def _print_running(
    execution: Execution, taken: Taken, output: str, now: datetime, held: str
) -> None:
    hostnames = {node.id: node.hostname for node in taken.snapshot.nodes}
    nodes = sorted({hostnames.get(g.node, str(g.node)) for g in execution.allocations})
    if output == "json":
        told = {"state": "Running", "replicas": execution.held, "nodes": nodes}
        ends_at = when.iso(execution.ends_ms)
        click.echo(json.dumps({**told, "endsAt": ends_at, "held": held}, indent=2))
        return
    ends = execution.ends_ms
    until = f", until {when.at(from_epoch_ms(ends), now=now)} at the latest" if ends else ""
    name = f"{execution.namespace}/{execution.name}"
    click.echo(f"{name} has its place: {queue.grants(execution)} on {listed(nodes)}{until}")
    if held:
        click.echo(held)


# -- for machines -------------------------------------------------------------------------------


def to_json(
    taken: Taken, execution: Execution, told: Explanation, expected: Expected
) -> dict[str, Any]:
    """Return an explanation for machines. CPUs are thousandths, memory is bytes."""
    return {
        "state": "Queued",
        "uid": execution.uid,
        "namespace": execution.namespace,
        "name": execution.name,
        "snapshot": taken.id,
        "takenAt": taken.taken_at.isoformat(timespec="seconds"),
        "position": told.position or None,
        "waiting": told.waiting,
        "policy": str(taken.settings.policy),
        "key": [canonical.to_data(factor) for factor in told.factors],
        "ahead": [canonical.to_data(ahead) for ahead in told.ahead],
        "reason": queue.reason(told.reason),
        "nodes": [_verdict(verdict) for verdict in told.table],
        "fixes": [
            {"told": fix.told, "changes": [_change(change) for change in fix.changes]}
            for fix in told.fixes
        ],
        "start": queue.start(expected),
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "component": verdict.component,
        "node": verdict.node,
        "hostname": verdict.hostname,
        "takes": verdict.takes,
        "filter": verdict.filter,
        "message": verdict.message,
    }


def _change(change: Change) -> dict[str, Any]:
    return {"kind": change.kind, "told": change.told, **canonical.to_data(change)}


# -- for people ---------------------------------------------------------------------------------


def to_text(
    taken: Taken, execution: Execution, told: Explanation, expected: Expected, *, now: datetime
) -> Iterator[str]:
    """Yield an explanation for people: one sentence, then why, then what to do."""
    name = f"{execution.namespace}/{execution.name}"
    if told.reason is None:
        yield f"{name} has its turn: it starts with the next pass"
        return
    yield f"{name} {_sentence(told.reason, execution)}"
    if told.reason.code not in NEVER:
        yield _when(expected, taken, now)
        yield ""
        yield "Where it stands"
        yield from (f"  {line}" for line in _standing(told))
        yield f"  ({taken.settings.policy}: {RULES[taken.settings.policy]})"
    yield ""
    yield "What the nodes say"
    yield from _nodes(execution, told.table)
    yield ""
    yield from _remedies(told.fixes, now)
    yield ""
    yield f"as the cluster was {when.age(taken.taken_at, now=now)} (snapshot {taken.id})"


def _sentence(why: Reason, execution: Execution) -> str:
    if why.code in NEVER:
        return f"can't start as things are: {why.message}"
    if why.code is ReasonCode.NO_CAPACITY:
        return f"waits for {format_resources(execution.core_demand)}: {brief(why)}"
    return why.message if why.message.startswith("waits for") else f"waits: {why.message}"


def _when(expected: Expected, taken: Taken, now: datetime) -> str:
    if expected.at_ms is None:
        return f"when it starts: {expected.because}"
    if expected.basis == FITS_NOW:
        return "starts with the next pass"
    told = queue.starts(expected, taken_at=taken.taken_at, now=now)
    return f"starts about {told}, by {expected.basis}"


def _standing(told: Explanation) -> Iterator[str]:
    first = f"number {told.position} of {told.waiting}"
    yield first + ("" if told.ahead else ": nobody waits ahead of it")
    nearest: Sequence[Ahead] = told.ahead[:-4:-1]
    yield from (f"behind {ahead.name}: {ahead.because}" for ahead in nearest)
    if len(told.ahead) > len(nearest):
        yield f"behind {len(told.ahead) - len(nearest)} more"
    yield from (factor.told for factor in told.factors)


def _nodes(execution: Execution, table: Sequence[Verdict]) -> Iterator[str]:
    for component in execution.components:
        verdicts = [v for v in table if v.component == component.name]
        if verdicts:
            yield f"  {_asked(component)}"
            yield from aligned(list(_grouped(verdicts)), indent="    ")


def _asked(component: Component) -> str:
    each = format_resources(component.demand)
    return f"{component.name}: {component.core} with {each}{' each' if component.core > 1 else ''}"


def _grouped(verdicts: Sequence[Verdict]) -> Iterator[tuple[str, str]]:
    """Yield nodes with one answer as one line."""
    answers: dict[str, list[str]] = {}
    for verdict in verdicts:
        answers.setdefault(_answer(verdict), []).append(verdict.hostname)
    for answer, hostnames in answers.items():
        yield listed(hostnames), answer


def _answer(verdict: Verdict) -> str:
    takes = f"takes {verdict.takes}" if verdict.takes else ""
    return "; ".join(part for part in (takes, verdict.message) if part) or "isn't needed"


def _remedies(fixes: Sequence[Fix], now: datetime) -> Iterator[str]:
    if not fixes:
        yield "Nothing that was tried would let it start."
        return
    yield "What would let it start now (each was tried)"
    for fix in fixes:
        until = next((c.until_ms for c in fix.changes if isinstance(c, Wait)), None)
        told = f", about {when.at(from_epoch_ms(until), now=now)}" if until is not None else ""
        yield f"  - {fix.told}{told}"
