"""Where the fake lets a task run, and Swarm's words for why it doesn't.

The filters and their order are Swarm's: a node counts under the first filter that it fails.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from policy.model.execution import NodeId
from policy.model.resources import NOTHING, Resources
from reconciler.converge.state import ObservedNode, PublishedPort, ServiceSpec

_NOT_AVAILABLE = "not available for new tasks"
_NO_ROOM = "insufficient resources"
_CONSTRAINTS = "scheduling constraints not satisfied"
_PORT_TAKEN = "host-mode port already in use"
_FIRST_FREE_PORT = 32_768


@dataclass(slots=True, kw_only=True)
class FakeNode:
    """A machine: as it is listed, and what runs on it.

    ``is_up`` is the truth, ``seen.is_ready`` what the manager knows. ``boots`` tells the
    machine's lives apart: nothing that an earlier life began goes on.
    """

    seen: ObservedNode
    is_up: bool = True
    boots: int = 0
    used: Resources = NOTHING
    ports: set[tuple[int, str]] = field(default_factory=set)
    lingering: dict[str, int] = field(default_factory=dict)

    def take(self, spec: ServiceSpec) -> tuple[tuple[int, str], ...]:
        """Reserve what a task needs; return the host ports that it gets, in the spec's order."""
        self.used += spec.reservations
        taken: list[tuple[int, str]] = []
        for port in _host_ports(spec):
            number = port.published or self._free_port(port.protocol)
            self.ports.add((number, port.protocol))
            taken.append((number, port.protocol))
        return tuple(taken)

    def give_back(self, spec: ServiceSpec, ports: Iterable[tuple[int, str]]) -> None:
        """Free what :meth:`take` reserved."""
        self.used -= spec.reservations
        self.ports.difference_update(ports)

    def refusal(self, spec: ServiceSpec) -> str:
        """Return the filter that says no to a task of ``spec``; empty if none does."""
        if not (self.seen.is_ready and self.seen.is_active):
            return _NOT_AVAILABLE
        if not spec.reservations.fits_in(self.seen.capacity - self.used):
            return _NO_ROOM
        if spec.node not in ("", self.seen.id):
            return _CONSTRAINTS
        if any((port.published, port.protocol) in self.ports for port in _host_ports(spec)):
            return _PORT_TAKEN
        return ""

    def _free_port(self, protocol: str) -> int:
        number = _FIRST_FREE_PORT
        while (number, protocol) in self.ports:
            number += 1
        return number


def choose(nodes: Mapping[NodeId, FakeNode], spec: ServiceSpec) -> FakeNode | None:
    """Return the node for a task: its own, or without a constraint the first one with room."""
    if spec.node:
        own = nodes.get(spec.node)
        return own if own is not None and not own.refusal(spec) else None
    return next((node for node in nodes.values() if not node.refusal(spec)), None)


def explain(nodes: Iterable[FakeNode], spec: ServiceSpec) -> str:
    """Return Swarm's sentence for a pending task: filters with their nodes, most nodes first."""
    counts: dict[str, int] = {}
    for node in nodes:
        refusal = node.refusal(spec)
        counts[refusal] = counts.get(refusal, 0) + 1
    parts = [
        f"{count} node{'s' * (count > 1)} {refusal}"
        if refusal == _NOT_AVAILABLE
        else f"{refusal} on {count} node{'s' * (count > 1)}"
        for refusal, count in sorted(counts.items(), key=lambda item: -item[1])
    ]
    return f"no suitable node ({'; '.join(parts)})" if parts else "no suitable node"


def _host_ports(spec: ServiceSpec) -> list[PublishedPort]:
    return [port for port in spec.ports if port.mode == "host"]
