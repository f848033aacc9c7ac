"""``zoe cluster``: the nodes, and who holds how much of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import click

from policy.model.resources import NOTHING, Resources, format_amount, format_resources
from reconciler.cli import every, place, show
from reconciler.clock import SystemClock
from reconciler.manifest.quantities import cpus_text
from reconciler.view.cluster import Block, ClusterView, NodeView, Share

_PARTS: tuple[tuple[str, Callable[[Share], int]], ...] = (
    ("capacity", lambda share: share.capacity),
    ("executions", lambda share: share.reserved),
    ("others", lambda share: share.foreign),
    ("free", lambda share: share.free),
    ("limits", lambda share: share.limit),
)


@click.command("cluster")
@click.option("--all", "with_blocks", is_flag=True, help="Also who is on each node.")
@show.output_option()
def command(*, with_blocks: bool, output: str) -> None:
    """Show each node: its state, what executions and others reserve there, what is free.

    Limits are what the executions can take at most, where some have limits. As the last pass that
    changed something saw it.
    """
    with place.here() as there:
        # For machines it is all that the API has of it.
        found = every.node(there, with_blocks=with_blocks or output != "text")
    if output != "text":
        show.as_data(found, output)
        return
    seen = show.age(found.taken_at, now=SystemClock().now())
    show.say(f"{found.sentence}, as of {seen}")
    columns = dict(_columns(found) if show.is_terminal() else _plain(found))
    state = list(columns).index("state")
    rows = zip(*columns.values(), strict=True)
    whole = range(len(columns) - 2)  # what others hold, and limits, may take two lines
    show.table(tuple(columns), rows, numbers=(), colours={state: show.STATES}, whole=whole)
    if with_blocks:
        click.echo()
        show.table(("node", "execution", "component", "replicas"), _blocks(found), numbers=())


def _plain(view: ClusterView) -> Iterator[tuple[str, list[str]]]:
    """Yield each column with its cells, always the same ones."""
    yield "node", [node.hostname for node in view.nodes]
    yield "role", [node.role for node in view.nodes]
    yield "state", [node.state for node in view.nodes]
    for name, of in _PARTS:
        yield name, [_amounts(node, of) for node in view.nodes]


def _columns(view: ClusterView) -> Iterator[tuple[str, list[str]]]:
    """Yield each column with its cells, without those that tell nothing of any node."""
    nodes = view.nodes
    yield "node", [node.hostname for node in nodes]
    if len({node.role for node in nodes}) > 1:
        yield "role", [node.role for node in nodes]
    yield "state", [node.state for node in nodes]
    yield "CPUs", [_of(node.cpu, cpus_text) for node in nodes]
    yield "free", [cpus_text(node.cpu.free) for node in nodes]
    yield "memory", [_of(node.memory, _memory) for node in nodes]
    yield "free ", [_memory(node.memory.free) for node in nodes]  # a column of its own
    for name in sorted({name for node in nodes for name in node.generic}):
        yield name, [_of(node.generic[name], str) if name in node.generic else "" for node in nodes]
    for name, of in (_PARTS[2], _PARTS[4]):
        cells = [_amounts(node, of) for node in nodes]
        if set(cells) - {"-"}:
            yield name, cells


def _of(share: Share, write: Callable[[int], str]) -> str:
    """Return ``2.5 of 4``: what executions hold of all that there is."""
    return f"{write(share.reserved)} of {write(share.capacity)}"


def _memory(amount: int) -> str:
    return format_amount("memory", amount).removesuffix(" memory")


def _amounts(node: NodeView, of: Callable[[Share], int]) -> str:
    generic = [(name, of(share)) for name, share in node.generic.items()]
    held = Resources.of(cpu_millis=of(node.cpu), memory_bytes=of(node.memory), generic=generic)
    return "-" if held == NOTHING else format_resources(held)


def _blocks(view: ClusterView) -> Iterator[tuple[str, ...]]:
    for node in view.nodes:
        for block in node.blocks:
            yield node.hostname, f"{block.namespace}/{block.name}", block.component, _told(block)


def _told(block: Block) -> str:
    told = [f"{block.core} core"] if block.core else []
    return ", ".join(told + ([f"{block.elastic} elastic"] if block.elastic else []))
