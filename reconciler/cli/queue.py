"""``zoe queue``: who waits, in which order, why, and when each is expected to start."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import click

from policy.forecast import FITS_NOW, Expected, forecast
from policy.model.decision import NEVER, Reason
from policy.model.execution import Execution, NodeId
from policy.model.resources import format_resources
from policy.reasons import brief
from policy.scheduler import decide
from policy.share import amounts_of
from policy.standing import RULES
from policy.words import listed
from reconciler.cli import reading, when
from reconciler.cli.columns import aligned
from reconciler.clock import SystemClock
from reconciler.converge.instants import from_epoch_ms
from reconciler.converge.snapshots import Taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One execution that waits. Position 0: it starts with the next pass."""

    position: int
    execution: Execution
    reason: Reason | None
    expected: Expected

    @property
    def is_hopeless(self) -> bool:
        """Whether it can't start as things are, however long it waits."""
        return self.reason is not None and self.reason.code in NEVER


@click.command("queue")
@click.option("-n", "--namespace", help="Only this namespace's; positions stay those of all.")
@click.option("--all", "with_running", is_flag=True, help="Also what runs, with its replicas.")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text")
def command(*, namespace: str | None, with_running: bool, output: str) -> None:
    """Show who waits, in which order, why, and when each is expected to start.

    Times are by what is known now: whoever comes with a higher rank comes between.
    """
    taken, now = reading.snapshot(), SystemClock().now()
    held = [
        (reading.full_name(document), told)
        for document in reading.documents()
        if (told := reading.hold(document))
        and namespace in (None, document["metadata"]["namespace"])
    ]
    lines = [line for line in waiting(taken) if namespace in (None, line.execution.namespace)]
    running = sorted(
        (
            e
            for e in taken.snapshot.executions
            if e.is_admitted and with_running and namespace in (None, e.namespace)
        ),
        key=_name,
    )
    if output == "json":
        whole = to_json(taken, lines, running, is_all=with_running)
        whole["held"] = [{"execution": name, "message": message} for name, message in held]
        click.echo(json.dumps(whole, indent=2))
        return
    for text in to_text(taken, lines, running, now=now):
        click.echo(text)
    if held:
        click.echo("\nheld, so not in the queue or not changed:")
        for text in aligned(held, indent="  "):
            click.echo(text)


def waiting(taken: Taken) -> list[Line]:
    """Return everybody who waits, in the order of the queue, those who start at once first."""
    executions = {e.uid: e for e in taken.snapshot.executions}
    waits = {wait.uid: wait for wait in decide(taken.snapshot, taken.settings).waits}
    return [
        Line(
            position=waits[expected.uid].position if expected.uid in waits else 0,
            execution=executions[expected.uid],
            reason=waits[expected.uid].reason if expected.uid in waits else None,
            expected=expected,
        )
        for expected in forecast(taken.snapshot, taken.settings)
    ]


# -- for machines -------------------------------------------------------------------------------


def to_json(
    taken: Taken, lines: Sequence[Line], running: Sequence[Execution], *, is_all: bool
) -> dict[str, Any]:
    """Return the queue for machines. CPUs are thousandths, memory is bytes."""
    told = {
        "snapshot": taken.id,
        "takenAt": taken.taken_at.isoformat(timespec="seconds"),
        "policy": str(taken.settings.policy),
        "rule": RULES[taken.settings.policy],
        "waiting": [_line(line) for line in lines if not line.is_hopeless],
        "never": [_line(line) for line in lines if line.is_hopeless],
    }
    return {**told, "running": [_running(e) for e in running]} if is_all else told


def _line(line: Line) -> dict[str, Any]:
    execution = line.execution
    return {
        "position": line.position or None,
        "uid": execution.uid,
        "namespace": execution.namespace,
        "name": execution.name,
        "queuedAt": when.iso(execution.queued_ms),
        "needs": dict(amounts_of(execution.core_demand)),
        "reason": reason(line.reason),
        "start": start(line.expected),
    }


def reason(why: Reason | None) -> dict[str, Any] | None:
    """Return a reason for machines."""
    if why is None:
        return None
    return {
        "code": str(why.code),
        "message": why.message,
        "blocks": why.blocks,
        "shortfall": dict(why.shortfall),
        "until": when.iso(why.until_ms),
    }


def start(expected: Expected) -> dict[str, Any]:
    """Return an expected start for machines."""
    return {
        "at": when.iso(expected.at_ms),
        "earliest": when.iso(expected.low_ms),
        "latest": when.iso(expected.high_ms),
        "basis": expected.basis,
        "because": expected.because,
    }


def _running(execution: Execution) -> dict[str, Any]:
    return {
        "uid": execution.uid,
        "namespace": execution.namespace,
        "name": execution.name,
        "endsAt": when.iso(execution.ends_ms),
        "components": [
            {
                "name": component.name,
                "core": component.core,
                "replicas": execution.held.get(component.name, 0),
                "max": component.maximum,
            }
            for component in execution.components
        ],
        "nodes": sorted({group.node for group in execution.allocations}),
    }


# -- for people ---------------------------------------------------------------------------------


def to_text(
    taken: Taken, lines: Sequence[Line], running: Sequence[Execution], *, now: datetime
) -> Iterator[str]:
    """Yield the queue for people."""
    settings, seen = taken.settings, when.age(taken.taken_at, now=now)
    hopeful = [line for line in lines if not line.is_hopeless]
    yield f"{settings.policy}: {RULES[settings.policy]}"
    if not hopeful:
        yield f"nobody waits, as of {seen}"
    else:
        yield f"{len(hopeful)} wait{'s' if len(hopeful) == 1 else ''}, as of {seen}"
        yield ""
        rows = [("#", "execution", "needs", "starts", "why")]
        yield from aligned([*rows, *(_row(line, taken.taken_at, now) for line in hopeful)])
        yield from _notes(hopeful)
    if hopeless := [line for line in lines if line.is_hopeless]:
        yield ""
        yield "can't start as things are:"
        rows_ = [(_name(line.execution), _why(line)) for line in hopeless]
        yield from aligned(rows_, indent="  ")
        yield f"  zoe explain {_name(hopeless[0].execution)} says what would help"
    if running:
        yield ""
        yield "running:"
        hostnames = {node.id: node.hostname for node in taken.snapshot.nodes}
        yield from aligned([_running_row(e, hostnames, now) for e in running], indent="  ")


def _row(line: Line, taken_at: datetime, now: datetime) -> tuple[str, str, str, str, str]:
    return (
        str(line.position) if line.position else "-",
        _name(line.execution),
        format_resources(line.execution.core_demand),
        starts(line.expected, taken_at=taken_at, now=now),
        _why(line),
    )


def starts(expected: Expected, *, taken_at: datetime, now: datetime) -> str:
    """Return when something starts: ``now``, ``14:20 (14:05 to 15:10)``, ``unknown``."""
    if expected.at_ms is None:
        return expected.because.partition(",")[0] if expected.because else "unknown"
    if expected.basis == FITS_NOW:
        return "now"
    told = when.at(from_epoch_ms(expected.at_ms), now=now)
    if expected.low_ms is None or expected.low_ms == expected.high_ms:
        return told
    # Nothing starts in the past, however old the snapshot is.
    low = when.at(max(from_epoch_ms(expected.low_ms), taken_at), now=now)
    if expected.high_ms is None:
        return f"{told} ({low} or later)"
    high = when.at(from_epoch_ms(expected.high_ms), now=now)
    return told if low == told == high else f"{told} ({low} to {high})"


def _why(line: Line) -> str:
    return brief(line.reason) if line.reason else "has its turn"


def _notes(lines: Iterable[Line]) -> Iterator[str]:
    """Yield what estimates rest on, and why some are unknown, each once."""
    lines = list(lines)
    bases = sorted({line.expected.basis for line in lines} - {"", FITS_NOW})
    unknown = sorted({line.expected.because for line in lines} - {""})
    if bases or unknown:
        yield ""
    if bases:
        yield f"starts by {', or by '.join(bases)}; newcomers of a higher rank come first"
    yield from unknown


def _running_row(
    execution: Execution, hostnames: dict[NodeId, str], now: datetime
) -> tuple[str, str, str, str]:
    nodes = sorted({hostnames.get(g.node, str(g.node)) for g in execution.allocations})
    ends = execution.ends_ms
    return (
        _name(execution),
        grants(execution),
        f"on {listed(nodes)}",
        f"until {when.at(from_epoch_ms(ends), now=now)}" if ends is not None else "",
    )


def grants(execution: Execution) -> str:
    """Return what an execution holds: ``core 3, 2 of 5 elastic``."""
    core = sum(min(c.core, execution.held.get(c.name, 0)) for c in execution.components)
    most = sum(component.elastic for component in execution.components)
    told = f"core {core}"
    if most:
        told += f", {sum(execution.held.values()) - core} of {most} elastic"
    return told


def _name(execution: Execution) -> str:
    return f"{execution.namespace}/{execution.name}"
