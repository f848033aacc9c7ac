"""Who holds how much, over time: how full the cluster was, and what each namespace used."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from policy.model.cluster import Node
from policy.model.execution import Allocation, Execution
from policy.model.resources import NOTHING, Resources
from policy.model.tenant import Amounts, Tenant, Usage
from policy.simulator.record import Occupancy

Accrue = Callable[[Usage, Amounts, int, int], Usage]
"""``accrue(usage, held, now_ms, half_life_ms)``."""


class Occupancies:
    """The integral of what was held between two times."""

    def __init__(self, nodes: Iterable[Node], *, from_ms: int, until_ms: int) -> None:
        self._capacity = sum((node.capacity - node.reserved for node in nodes), NOTHING)
        self._from_ms, self._until_ms = from_ms, until_ms
        self._now_ms = from_ms
        self._cpu_held = self._memory_held = 0
        self._cpu_time = self._memory_time = 0

    def advance(self, now_ms: int) -> None:
        """Count what is held as held until ``now_ms``."""
        now_ms = max(self._now_ms, min(now_ms, self._until_ms))
        passed = now_ms - self._now_ms
        self._cpu_time += self._cpu_held * passed
        self._memory_time += self._memory_held * passed
        self._now_ms = now_ms

    def change(self, amount: Resources) -> None:
        """Hold that much more from now on."""
        self._cpu_held += amount.cpu_millis
        self._memory_held += amount.memory_bytes

    def occupancy(self) -> Occupancy:
        """Return what share of the capacity was held."""
        window = self._until_ms - self._from_ms
        pairs = (
            ("cpu", self._cpu_time, self._capacity.cpu_millis),
            ("memory", self._memory_time, self._capacity.memory_bytes),
        )
        permille = tuple(
            (name, used * 1000 // (capacity * window))
            for name, used, capacity in pairs
            if capacity and window
        )
        return Occupancy(window_ms=window, permille=permille)


class Accounts:
    """What each namespace holds, and the tenants with what they used lately."""

    def __init__(self, tenants: Sequence[Tenant], *, accrue: Accrue, half_life_ms: int) -> None:
        self._tenants = {tenant.name: tenant for tenant in tenants}
        self._accrue, self._half_life_ms = accrue, half_life_ms
        self._held: dict[str, Resources] = {}

    def change(self, namespace: str, amount: Resources, now_ms: int) -> None:
        """Let a namespace hold that much more from now on."""
        if namespace not in self._tenants:
            self._tenants[namespace] = Tenant(name=namespace, usage=Usage(as_of_ms=now_ms))
        self._settle(namespace, now_ms)
        self._held[namespace] = self._held.get(namespace, NOTHING) + amount

    def tenants(self, now_ms: int) -> tuple[Tenant, ...]:
        """Return all tenants with their usage as of now."""
        for namespace in self._tenants:
            self._settle(namespace, now_ms)
        return tuple(self._tenants.values())

    def _settle(self, namespace: str, now_ms: int) -> None:
        tenant = self._tenants[namespace]
        if tenant.usage.as_of_ms == now_ms:
            return
        held = amounts(self._held.get(namespace, NOTHING))
        usage = self._accrue(tenant.usage, held, now_ms, self._half_life_ms)
        self._tenants[namespace] = replace(tenant, usage=usage)


def amounts(resources: Resources) -> Amounts:
    """Return a vector as sorted (dimension, amount) pairs, without zeros."""
    pairs = [("cpu", resources.cpu_millis), ("memory", resources.memory_bytes), *resources.generic]
    return tuple(sorted(pair for pair in pairs if pair[1]))


def reserved(execution: Execution, allocations: Iterable[Allocation]) -> Resources:
    """Return what these groups of an execution reserve together."""
    demands = {component.name: component.demand for component in execution.components}
    return sum((demands[group.component] * group.count for group in allocations), NOTHING)


def accrue(usage: Usage, held: Amounts, now_ms: int, half_life_ms: int) -> Usage:
    """Return usage as of ``now_ms``, after ``held`` was held since it was last brought up."""
    passed = now_ms - usage.as_of_ms
    halvings = passed // half_life_ms
    total = {name: amount >> halvings for name, amount in usage.amounts}
    for name, amount in held:
        total[name] = total.get(name, 0) + amount * min(passed, half_life_ms)
    return Usage(as_of_ms=now_ms, amounts=tuple(sorted(total.items())))
