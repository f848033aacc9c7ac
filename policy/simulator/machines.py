"""Simulated clusters: nodes of given sizes, or one node with all that they have together."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from policy.model.cluster import Node
from policy.model.execution import Execution, NodeId
from policy.model.resources import NOTHING, Resources


@dataclass(frozen=True, kw_only=True)
class Machines:
    """What each node has. Pooled, placement doesn't matter and decisions are faster."""

    shapes: tuple[Resources, ...]
    is_pooled: bool = False

    @staticmethod
    def equal(count: int, each: Resources, *, is_pooled: bool = False) -> Machines:
        """Return ``count`` nodes that all have the same."""
        return Machines(shapes=(each,) * count, is_pooled=is_pooled)

    @cached_property
    def capacity(self) -> Resources:
        """What all nodes have together."""
        return sum(self.shapes, NOTHING)

    @cached_property
    def _sizes(self) -> tuple[tuple[Resources, int], ...]:
        """The different shapes, with how many nodes there are of each."""
        return tuple(Counter(self.shapes).items())

    def nodes(self) -> tuple[Node, ...]:
        """Return the nodes, in order of their ids."""
        if self.is_pooled:
            return (Node(id=NodeId("pool"), hostname="pool", capacity=self.capacity),)
        width = len(str(len(self.shapes)))
        named = [(f"n{n:0{width}d}", shape) for n, shape in enumerate(self.shapes, start=1)]
        return tuple(Node(id=NodeId(n), hostname=n, capacity=shape) for n, shape in named)

    def could_hold(self, execution: Execution) -> bool:
        """Tell whether the empty cluster may hold all of an execution at once.

        Exact for one component on equal nodes; several components are looked at one by one and
        together, not as they would be packed.
        """
        if not execution.full_demand.fits_in(self.capacity):
            return False
        if self.is_pooled:
            return True
        for component in execution.components:
            fits = [(component.demand.how_many(shape), times) for shape, times in self._sizes]
            if any(fit is None for fit, _ in fits):
                continue
            if sum((fit or 0) * times for fit, times in fits) < component.maximum:
                return False
        return True
