"""Nodes that are lost, told until they are back: what ran there, what waits, and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from policy.model.execution import NodeId
from reconciler.converge.draft import Draft
from reconciler.converge.plan import Note
from reconciler.converge.state import ObservedNode

NODE_DOWN = "NodeDown"
_SHOWN = 5


def notes(draft: Draft, homes: Mapping[str, NodeId]) -> tuple[Note, ...]:
    """Return a note for each lost node, named after it; one that was drained may be away.

    ``homes`` are the nodes of the storages that aren't shared, by namespace. What ran there is
    known in the pass that finds the node lost; later it has been given up.
    """
    lost = [node for node in draft.world.observed.nodes if node.is_lost and node.is_active]
    return tuple(_note(draft, node, homes) for node in lost)


def _note(draft: Draft, node: ObservedNode, homes: Mapping[str, NodeId]) -> Note:
    ran = sorted(
        f"{identity.namespace}/{identity.name}"
        for uid, groups in draft.memory.placements.items()
        if any(group.node == node.id for group in groups)
        and (identity := draft.memory.identities.get(uid)) is not None
    )
    stay = sorted(namespace for namespace, home in homes.items() if home == node.id)
    told = [
        f"node {node.hostname} is down",
        *([f"what ran there starts elsewhere if it can: {_listed(ran)}"] if ran else ()),
        *([f"who needs the local storage there waits: {_listed(stay)}"] if stay else ()),
        f"mend it, or if it won't come back: docker node rm {node.hostname}",
    ]
    return Note(uid="", name=node.hostname, reason=NODE_DOWN, message="; ".join(told))


def _listed(names: Iterable[str]) -> str:
    every = list(names)
    more = len(every) - _SHOWN
    return ", ".join(every[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
