"""Elastic replicas whose node was lost or drained: they are written off, so that others may grow.

A core that lost its node ends the attempt (``lifecycle``). Elastic replicas there would wait for
the node to return; giving them up lets policy place them anew, and leaves nothing of the
execution on the node when it comes back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from policy.model.execution import Allocation, NodeId
from reconciler.converge.state import ObservedNode
from reconciler.converge.tasks import Group
from reconciler.manifest.spec import ExecutionSpec


def without_stranded(
    spec: ExecutionSpec,
    placements: tuple[Allocation, ...],
    groups: Iterable[Group],
    nodes: Mapping[NodeId, ObservedNode],
) -> tuple[Allocation, ...]:
    """Return the groups that are left.

    A component keeps all of its groups unless the others still make up its core.

    Args:
        spec: What runs.
        placements: The groups that it was given.
        groups: Its services of this attempt.
        nodes: The nodes as they are now.
    """
    if all(_is_up(nodes.get(placement.node)) for placement in placements):
        return placements
    there = {(group.component, group.service.spec.node): group for group in groups}
    lost = {
        p
        for p in placements
        if not _is_up(nodes.get(p.node))
        and ((group := there.get((p.component, p.node))) is None or group.is_stranded)
    }
    cores = {service.name: service.core for service in spec.services}
    spared = {
        name
        for name, core in cores.items()
        if sum(p.count for p in placements if p.component == name and p not in lost) >= core
    }
    return tuple(p for p in placements if p not in lost or p.component not in spared)


def _is_up(node: ObservedNode | None) -> bool:
    return node is not None and node.is_ready and node.is_active
