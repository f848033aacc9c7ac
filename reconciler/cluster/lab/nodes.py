"""Nodes from power on to an engine that answers, and in which order that is safe.

A node that returns has a new name and its old address. While its old name still passes for alive
with the others, those that start just then may take the new one for the impostor: all are Ready,
and their overlays never meet. No machine boots that fast, but a node here does. So a node stays
off until the living have given it up, as they do within some ten seconds (one that died alone).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reconciler.cluster.lab import engine, host, membership
from reconciler.cluster.lab.layout import LabState, Layout
from reconciler.errors import ClusterUnavailable

_ENGINE_WAIT_S = 60
_BURIAL_WAIT_S = 60


def start(layout: Layout, state: LabState, numbers: Iterable[int]) -> None:
    """Start those of the nodes that don't run; return once their engines answer."""
    running = engine.running(layout)
    numbers = [number for number in numbers if str(layout.node(number)) not in running]
    _await_burial(layout, state, numbers)
    for number in numbers:
        engine.start(layout, state, number)
    for number in numbers:
        _await_engine(layout, number)


def _await_burial(layout: Layout, state: LabState, dead: Sequence[int]) -> None:
    """Wait until no living node's overlays count on one of the dead any more."""
    addresses = {state.address(number) for number in dead}
    living = [layout.socket(number) for number in state.numbers if number not in dead]
    host.wait_until(
        lambda: not any(membership.gossip(socket) & addresses for socket in living),
        what="the other nodes to notice that it was dead",
        timeout_s=_BURIAL_WAIT_S,
    )


def _await_engine(layout: Layout, number: int) -> None:
    node, socket = str(layout.node(number)), layout.socket(number)
    host.wait_until(
        lambda: membership.answers(socket) or node not in engine.running(layout),
        what=f"the engine of node {number}",
        timeout_s=_ENGINE_WAIT_S,
    )
    if node not in engine.running(layout):
        log = layout.log(number)
        raise ClusterUnavailable(
            f"the engine of node {number} ended:\n{host.tail(log)}\n(all of it: {log})"
        )
