"""Who holds how much, over time: how full the cluster was, and what each namespace used."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from policy.model.cluster import Node
from policy.model.execution import Allocation, Execution
from policy.model.resources import NOTHING, Resources
from policy.model.tenant import Tenant, Usage
from policy.share import accrue, amounts_of, penalised
from policy.simulator.record import Occupancy


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

    def __init__(
        self, tenants: Sequence[Tenant], *, half_life_ms: int, entry_penalty_ms: int
    ) -> None:
        self._tenants = {tenant.name: tenant for tenant in tenants}
        self._half_life_ms, self._entry_penalty_ms = half_life_ms, entry_penalty_ms
        # Many namespaces at every event would cost more than the decision; so little changes none.
        self._stale_ms = half_life_ms // 256
        self._held: dict[str, Resources] = {}

    def begin(self, namespace: str, amount: Resources) -> None:
        """Begin with a namespace holding that much more, ever since its usage was worked out."""
        self._held[namespace] = self._held.get(namespace, NOTHING) + amount

    def change(self, namespace: str, amount: Resources, now_ms: int) -> None:
        """Let a namespace hold that much more from now on."""
        self._settle(namespace, now_ms)
        self.begin(namespace, amount)

    def start(self, execution: Execution, now_ms: int) -> None:
        """Charge a namespace with the entry penalty of a start."""
        tenant = self._settle(execution.namespace, now_ms)
        core = amounts_of(execution.core_demand)
        usage = penalised(tenant.usage, core, self._entry_penalty_ms)
        self._tenants[tenant.name] = replace(tenant, usage=usage)

    def tenants(self, now_ms: int) -> tuple[Tenant, ...]:
        """Return all tenants with their usage as of now, or of a fraction of a half-life ago."""
        for name, tenant in self._tenants.items():
            if now_ms - tenant.usage.as_of_ms > self._stale_ms:
                self._settle(name, now_ms)
        return tuple(self._tenants.values())

    def _settle(self, namespace: str, now_ms: int) -> Tenant:
        """Bring a namespace's usage up to now; one that nobody declared is made."""
        tenant = self._tenants.get(namespace)
        if tenant is None:
            tenant = Tenant(name=namespace, usage=Usage(as_of_ms=now_ms))
        held = amounts_of(self._held.get(namespace, NOTHING))
        usage = accrue(tenant.usage, held, now_ms, self._half_life_ms)
        if usage is not tenant.usage:
            tenant = replace(tenant, usage=usage)
        self._tenants[namespace] = tenant
        return tenant


def reserved(execution: Execution, allocations: Iterable[Allocation]) -> Resources:
    """Return what these groups of an execution reserve together."""
    demands = {component.name: component.demand for component in execution.components}
    return sum((demands[group.component] * group.count for group in allocations), NOTHING)
