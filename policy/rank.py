"""Who comes first: the keys by which executions are served, smaller ones earlier.

A key is a tier and, within it, first come first served. Across tiers a policy may take elastic
replicas from the lower for the higher; within one nobody takes from anybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import attrgetter

from policy.model.execution import ApplicationType, Execution
from policy.model.resources import Resources
from policy.model.tenant import Tenant, Usage
from policy.quota import Quotas
from policy.settings import Policy, PolicySettings
from policy.share import MILLION, amounts_of, dominant_share, penalised
from policy.size import size

Tier = tuple[int, ...]
Key = tuple[Tier, tuple[int, str, str, str]]

NO_KEY: Key = ((), (0, "", "", ""))
"""Of what runs without ever growing or giving."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a policy lets its executions do.

    Attributes:
        is_rigid: Elastic replicas count as core.
        skips: Those behind one that doesn't fit are tried.
        reserves: Room is kept for the first that doesn't fit (EASY).
        takes_elastic: Who ranks higher takes elastic replicas from who ranks lower.
        uses_idle: A core may take elastic replicas from anybody, if the cluster is fuller for it.
        ages: Who has waited ``ageing_ms`` is served next, and only for them room is kept.
        shares: What namespaces use and are guaranteed counts, as in the tiers of ``fair``.
    """

    is_rigid: bool = False
    skips: bool = False
    reserves: bool = False
    takes_elastic: bool = False
    uses_idle: bool = False
    ages: bool = False
    shares: bool = False


def rules_of(settings: PolicySettings) -> Rules:
    """Return the rules of the policy that is set."""
    match settings.policy:
        case Policy.FIFO:
            return Rules(is_rigid=True)
        case Policy.EASY:
            return Rules(is_rigid=True, skips=True, reserves=True)
        case Policy.FIFO_MALLEABLE:
            return Rules()
        case Policy.FIFO_FLEXIBLE:
            return Rules(takes_elastic=True, uses_idle=True)
        case Policy.SIZE_FLEXIBLE if not settings.preempts_elastic:
            return Rules(uses_idle=True)
        case Policy.SIZE_FLEXIBLE | Policy.LAS_FLEXIBLE:
            return Rules(takes_elastic=True)
        case Policy.FAIR:
            return Rules(skips=True, reserves=True, takes_elastic=True, ages=True, shares=True)


class Ranking:
    """Keys of the executions of a snapshot. Starts count against their namespace as they come."""

    def __init__(
        self,
        settings: PolicySettings,
        now_ms: int,
        running: Iterable[Execution],
        tenants: Iterable[Tenant],
        quotas: Quotas,
        capacity: Mapping[str, int],
    ) -> None:
        self._now_ms = now_ms
        self._settings = settings
        self._rules = rules_of(settings)
        self._quotas = quotas
        self._capacity = capacity
        self._tenants = {tenant.name: tenant for tenant in tenants}
        self._usage = {tenant.name: tenant.usage for tenant in self._tenants.values()}
        self._shares: dict[str, int] = {}
        # With guarantees, growth too decides who would borrow, and with that who is next.
        self._is_by_kind = self._rules.shares and not quotas.guarantees
        self._young: dict[str, Tier] = {}
        self._interactive_cpu = 0
        self._interactive_memory = 0
        for execution in running:
            self._count_interactive(execution)

    def running(self, execution: Execution) -> Key:
        """Return the key of what runs, by which it grows and yields."""
        return (self._tier(execution, is_waiting=False), execution.arrival)

    def waiting(self, execution: Execution) -> Key:
        """Return the key of what waits, by which it is started."""
        tier = self.aged_tier(execution) or self.young_tier(execution)
        return (tier, execution.arrival)

    def kinds(self, waiting: Iterable[Execution]) -> Iterable[object]:
        """Yield what those who wait have in common with others of the same tier but for age."""
        if not self._rules.shares:
            return map(self.young_tier, waiting)
        if self._quotas.guarantees:  # whether it would borrow depends on what it asks for
            return map(attrgetter("kind", "core_demand"), waiting)
        return map(attrgetter("kind"), waiting)

    def young_tier(self, execution: Execution) -> Tier:
        """Return the tier of one who waits and hasn't aged."""
        if not self._is_by_kind:
            return self._tier(execution, is_waiting=True)
        tier = self._young.get(execution.kind)
        if tier is None:
            tier = self._young[execution.kind] = self._tier(execution, is_waiting=True)
        return tier

    def aged_tier(self, execution: Execution) -> Tier | None:
        """Return the tier of one who has waited so long that it is served next, if it has."""
        return _AGED if self.is_aged(execution) else None

    def yielding(self, execution: Execution, key: Key) -> tuple[Tier, int, Key]:
        """Return the key by which what runs gives replicas back, the greatest first.

        By share the size of what is left doesn't count among those who are alike otherwise,
        but that of a replica: taking the largest stops the fewest containers.
        """
        tier, _ = key
        if not self._rules.shares:
            return (tier, 0, key)
        sizes = [self._volume(component.demand) for component in execution.components]
        return (tier[:-1], max(sizes, default=0), key)

    def started(self, execution: Execution) -> None:
        """Note a start: it weighs on its namespace at once."""
        self._count_interactive(execution)
        self._young.clear()
        name = execution.namespace
        if self._rules.shares and name in self._usage:
            core = amounts_of(execution.core_demand)
            penalty_ms = self._settings.entry_penalty_ms
            self._usage[name] = penalised(self._usage[name], core, penalty_ms)
            self._shares.pop(name, None)

    def is_aged(self, execution: Execution) -> bool:
        """Tell whether it has waited so long that it is served next."""
        return (
            self._rules.ages
            and not execution.is_filler
            and self._now_ms - execution.queued_ms >= self._settings.ageing_ms
        )

    def _tier(self, execution: Execution, *, is_waiting: bool) -> Tier:
        return (int(execution.is_filler), *self._rank(execution, is_waiting=is_waiting))

    def _rank(self, execution: Execution, *, is_waiting: bool) -> Tier:
        settings = self._settings
        match settings.policy:
            case Policy.FAIR:
                return self._fair(execution, is_waiting=is_waiting)
            case Policy.SIZE_FLEXIBLE:
                key = size(execution, settings.size, settings.dimensions, self._now_ms)
                if settings.preempts_elastic:
                    return (-execution.priority, key)
                # What runs stays ahead of what waits: nothing is taken from it by rank.
                return (-execution.priority, int(is_waiting), key if is_waiting else 0)
            case Policy.LAS_FLEXIBLE:
                is_interactive = execution.type is ApplicationType.INTERACTIVE
                attained = execution.attained_ms(self._now_ms) * execution.replicas
                return (-execution.priority, attained // (1000 if is_interactive else 1))
            case Policy.FIFO_FLEXIBLE:
                return (-execution.priority, execution.queued_ms)
            case Policy.FIFO | Policy.EASY | Policy.FIFO_MALLEABLE:
                return (-execution.priority,)

    def _fair(self, execution: Execution, *, is_waiting: bool) -> Tier:
        borrows = self._quotas.guarantees and self._borrowing(execution, is_waiting=is_waiting)
        share = self._shares.get(execution.namespace)
        return (
            1,
            -execution.priority,
            int(borrows),
            int(not self._is_ahead(execution, is_waiting=is_waiting)),
            self._share_bucket(execution.namespace) if share is None else share,
            execution.coarse_size(self._now_ms),
        )

    def _borrowing(self, execution: Execution, *, is_waiting: bool) -> bool:
        demand = execution.core_demand if is_waiting else None
        return self._quotas.borrows(execution.namespace, demand)

    def _is_ahead(self, execution: Execution, *, is_waiting: bool) -> bool:
        """Interactive ones go first: those that run, and new ones up to the cap."""
        if execution.type is not ApplicationType.INTERACTIVE:
            return False
        core = execution.core_demand if is_waiting else Resources()
        cap = self._settings.interactive_permille
        return (
            (self._interactive_cpu + core.cpu_millis) * 1000 <= cap * self._capacity.get("cpu", 0)
            and (self._interactive_memory + core.memory_bytes) * 1000
            <= cap * self._capacity.get("memory", 0)
        ) or not is_waiting

    def _share_bucket(self, namespace: str) -> int:
        """Return the namespace's share in powers of two, so that small differences weigh nothing.

        Shares below a thousandth of the cluster are all alike.
        """
        if namespace not in self._shares:
            tenant = self._tenants.get(namespace, _NOBODY)
            share = dominant_share(
                self._usage.get(namespace, _UNUSED),
                self._capacity,
                half_life_ms=self._settings.half_life_ms,
                weight=tenant.weight,
            )
            self._shares[namespace] = (share * 1000 // MILLION).bit_length()
        return self._shares[namespace]

    def _volume(self, demand: Resources) -> int:
        """Return how large a demand is beside the cluster, to compare."""
        cpu, memory = self._capacity.get("cpu", 1), self._capacity.get("memory", 1)
        return demand.cpu_millis * memory + demand.memory_bytes * cpu

    def _count_interactive(self, execution: Execution) -> None:
        if execution.type is ApplicationType.INTERACTIVE:
            self._interactive_cpu += execution.core_demand.cpu_millis
            self._interactive_memory += execution.core_demand.memory_bytes


_AGED: Tier = (0, 0, 0, 0, 0, 0, 0)
_NOBODY = Tenant(name="")
_UNUSED = Usage()
_BORROWING = 3


def with_borrowing(tier: Tier, borrows: bool) -> Tier:
    """Return a tier of ``fair`` as that of a namespace that borrows, or doesn't."""
    return (*tier[:_BORROWING], int(borrows), *tier[_BORROWING + 1 :])
