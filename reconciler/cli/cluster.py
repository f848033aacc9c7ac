"""``zoe cluster``: the nodes, and who holds how much of them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from typing import Any

import click

from policy.model.cluster import Node
from policy.model.execution import NodeId
from policy.model.resources import NOTHING, Resources, format_resources
from policy.share import amounts_of
from reconciler import config
from reconciler.cli import reading
from reconciler.ports import Stored
from reconciler.working_set import WorkingSet

_PARTS = ("capacity", "executions", "others", "free")


@click.command("cluster")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text")
def command(*, output: str) -> None:
    """Show each node: its state, what executions and others reserve there, what is free.

    As the last pass that changed something saw it.
    """
    with reading.required_database(config.load()) as store:
        stored = store.load()
    taken = reading.stored_snapshot(stored.snapshot) if stored.snapshot else None
    nodes = taken.snapshot.nodes if taken else ()
    rows = [_row(node, held) for node, held in _with_ours(nodes, stored)]
    if output == "json":
        plain = [{**row, **{part: dict(amounts_of(row[part])) for part in _PARTS}} for row in rows]
        at = taken.taken_at.isoformat(timespec="milliseconds") if taken else None
        click.echo(json.dumps({"takenAt": at, "nodes": plain}, indent=2))
    elif not rows:
        click.echo("no pass has seen the cluster yet")
    else:
        _print(rows)


def _with_ours(nodes: Iterable[Node], stored: Stored) -> Iterable[tuple[Node, Resources]]:
    """Yield the nodes by name, each with what executions were given there."""
    working_set = WorkingSet(stored)
    held: dict[NodeId, Resources] = {}
    for uid, groups in working_set.placements.items():
        record = working_set.records[uid]
        spec = working_set.frozen[uid, record.generation_in_force]
        demands = {service.name: service.reservations for service in spec.services}
        for group in groups:
            demand = demands[group.component] * group.count
            held[group.node] = held.get(group.node, NOTHING) + demand
    for node in sorted(nodes, key=lambda n: (n.hostname, n.id)):
        yield node, held.get(node.id, NOTHING)


def _row(node: Node, held: Resources) -> dict[str, Any]:
    state = "ready" if node.is_active else "drained"
    return {
        "id": node.id,
        "hostname": node.hostname,
        "role": "manager" if node.is_manager else "worker",
        "state": state if node.is_ready else "down",
        "capacity": node.capacity,
        "executions": held,
        "others": node.reserved,
        "free": node.capacity - held - node.reserved,
    }


def _print(rows: Iterable[Mapping[str, Any]]) -> None:
    titles = ("node", "role", "state", *_PARTS)
    lines = [
        (row["hostname"], row["role"], row["state"], *(format_resources(row[p]) for p in _PARTS))
        for row in rows
    ]
    if not sys.stdout.isatty():
        for line in lines:
            click.echo("\t".join(line))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*titles, box=None, pad_edge=False)
    for line in lines:
        table.add_row(*map(Text, line))
    Console().print(table)
