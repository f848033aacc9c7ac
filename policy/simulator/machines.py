"""Simulated clusters: so many equal nodes, or one node with all that they have together."""

from __future__ import annotations

from dataclasses import dataclass

from policy.model.cluster import Node
from policy.model.execution import Execution, NodeId
from policy.model.resources import Resources


@dataclass(frozen=True, slots=True, kw_only=True)
class Machines:
    """``count`` nodes of ``each``. Pooled, placement doesn't matter and decisions are faster."""

    count: int
    each: Resources
    is_pooled: bool = False

    @property
    def capacity(self) -> Resources:
        """What all nodes have together."""
        return self.each * self.count

    def nodes(self) -> tuple[Node, ...]:
        """Return the nodes, in order of their ids."""
        if self.is_pooled:
            return (Node(id=NodeId("pool"), hostname="pool", capacity=self.capacity),)
        width = len(str(self.count))
        names = [f"n{number:0{width}d}" for number in range(1, self.count + 1)]
        return tuple(Node(id=NodeId(n), hostname=n, capacity=self.each) for n in names)

    def could_hold(self, execution: Execution) -> bool:
        """Tell whether the empty cluster holds all of an execution of one component at once."""
        whole, times = (self.capacity, 1) if self.is_pooled else (self.each, self.count)
        fits = [component.demand.how_many(whole) for component in execution.components]
        enough = (
            fit is None or fit * times >= component.maximum
            for fit, component in zip(fits, execution.components, strict=True)
        )
        return all(enough) and execution.full_demand.fits_in(self.capacity)
