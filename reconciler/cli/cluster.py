"""``zoe cluster``: the nodes, and who holds how much of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import click

from policy.model.resources import Resources, format_resources
from reconciler.cli import every, place, show
from reconciler.clock import SystemClock
from reconciler.view.cluster import Block, ClusterView, NodeView, Share

_PARTS: tuple[tuple[str, Callable[[Share], int]], ...] = (
    ("capacity", lambda share: share.capacity),
    ("executions", lambda share: share.reserved),
    ("others", lambda share: share.foreign),
    ("free", lambda share: share.free),
)


@click.command("cluster")
@click.option("--all", "with_blocks", is_flag=True, help="Also who is on each node.")
@show.output_option()
def command(*, with_blocks: bool, output: str) -> None:
    """Show each node: its state, what executions and others reserve there, what is free.

    As the last pass that changed something saw it.
    """
    with place.here() as there:
        # For machines it is all that the API has of it.
        found = every.node(there, with_blocks=with_blocks or output != "text")
    if output != "text":
        show.as_data(found, output)
        return
    seen = show.age(found.taken_at, now=SystemClock().now())
    click.echo(f"{found.sentence}, as of {seen}")
    head = ("node", "role", "state", *(name for name, _ in _PARTS))
    show.table(head, map(_row, found.nodes), numbers=(), colours={2: show.STATES})
    if with_blocks:
        click.echo()
        show.table(("node", "execution", "component", "replicas"), _blocks(found), numbers=())


def _row(node: NodeView) -> tuple[str, ...]:
    return (node.hostname, node.role, node.state, *(_amount(node, of) for _, of in _PARTS))


def _amount(node: NodeView, of: Callable[[Share], int]) -> str:
    generic = [(name, of(share)) for name, share in node.generic.items()]
    return format_resources(
        Resources.of(cpu_millis=of(node.cpu), memory_bytes=of(node.memory), generic=generic)
    )


def _blocks(view: ClusterView) -> Iterator[tuple[str, ...]]:
    for node in view.nodes:
        for block in node.blocks:
            yield node.hostname, f"{block.namespace}/{block.name}", block.component, _told(block)


def _told(block: Block) -> str:
    told = [f"{block.core} core"] if block.core else []
    return ", ".join(told + ([f"{block.elastic} elastic"] if block.elastic else []))
