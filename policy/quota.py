"""What namespaces may use: their guarantee, what their cohort lends them, and their maximum."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from policy.model.decision import Reason, ReasonCode
from policy.model.execution import Component, Execution
from policy.model.resources import Resources, format_amount
from policy.model.tenant import Tenant
from policy.share import amounts_of


@dataclass(slots=True)
class _Account:
    """What a namespace, or a cohort, uses and may use."""

    limits: dict[str, int] = field(default_factory=dict)
    used: dict[str, int] = field(default_factory=dict)
    executions: int = 0

    def lacks(self, demand: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
        """Return (dimension, missing) where ``demand`` on top goes beyond the limits."""
        return [
            (name, self.used.get(name, 0) + amount - self.limits[name])
            for name, amount in demand
            if name in self.limits and self.used.get(name, 0) + amount > self.limits[name]
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lacks:
    """What a core is beyond: its namespace's maximum, its cohort's sum, executions."""

    own: tuple[tuple[str, int], ...] = ()
    cohort: tuple[tuple[str, int], ...] = ()
    executions: int = 0


class Quotas:
    """The use of every namespace in an assignment, charged as it takes shape."""

    def __init__(self, tenants: Iterable[Tenant]) -> None:
        self._tenants = {tenant.name: tenant for tenant in tenants}
        self._own = {t.name: _Account(limits=dict(t.maximum)) for t in self._tenants.values()}
        self._cohorts: dict[str, _Account] = {}
        for tenant in self._tenants.values():
            if tenant.cohort:
                cohort = self._cohorts.setdefault(tenant.cohort, _Account())
                for name, amount in tenant.guaranteed:
                    cohort.limits[name] = cohort.limits.get(name, 0) + amount
        self.is_any = any(
            t.maximum or t.guaranteed or t.maximum_executions for t in self._tenants.values()
        )
        self.guarantees = any(t.guaranteed for t in self._tenants.values())

    def charge(self, namespace: str, demand: Resources, count: int) -> None:
        """Note ``count`` more replicas of ``demand`` (or fewer)."""
        if not self.is_any:
            return
        for account in self._accounts(namespace):
            for name, amount in amounts_of(demand):
                account.used[name] = account.used.get(name, 0) + amount * count

    def count(self, namespace: str, executions: int) -> None:
        """Note that executions of a namespace were admitted (or stopped)."""
        if self.is_any and namespace in self._own:
            self._own[namespace].executions += executions

    def fits(self, namespace: str, component: Component, wanted: int) -> int:
        """Return how many replicas, of those wanted, the quota has room for."""
        if not self.is_any:
            return wanted
        for account in self._accounts(namespace):
            for name, amount in amounts_of(component.demand):
                if name in account.limits:
                    free = account.limits[name] - account.used.get(name, 0)
                    wanted = min(wanted, max(0, free) // amount)
        return wanted

    def refusal(self, execution: Execution, core: Resources) -> Reason | None:
        """Return why the quota doesn't let an execution start, or None if it does."""
        if not self.is_any or execution.namespace not in self._own:
            return None
        tenant, own = self._tenants[execution.namespace], self._own[execution.namespace]
        demand = amounts_of(core)
        if never := _Account(limits=own.limits).lacks(demand):
            return _reason(ReasonCode.NEVER_WITHIN_QUOTA, tenant.name, never, own)
        if 0 < tenant.maximum_executions <= own.executions:
            return Reason(
                code=ReasonCode.QUOTA_EXCEEDED,
                message=(
                    f"namespace {tenant.name} runs {own.executions} of at most "
                    f"{tenant.maximum_executions} executions"
                ),
                blocks=tenant.name,
                shortfall=(("executions", own.executions + 1 - tenant.maximum_executions),),
            )
        if missing := own.lacks(demand):
            return _reason(ReasonCode.QUOTA_EXCEEDED, tenant.name, missing, own)
        cohort = self._cohorts.get(tenant.cohort) if tenant.cohort else None
        if cohort is None:
            return None
        if never := _Account(limits=cohort.limits).lacks(demand):
            return _reason(ReasonCode.NEVER_WITHIN_QUOTA, tenant.cohort, never, cohort, "cohort")
        if missing := cohort.lacks(demand):
            return _reason(ReasonCode.QUOTA_EXCEEDED, tenant.cohort, missing, cohort, "cohort")
        return None

    def lacks(self, asked: Execution) -> Lacks:
        """Return all that quotas would have to be raised by for a core to start."""
        if asked.namespace not in self._own:
            return Lacks()
        tenant, own = self._tenants[asked.namespace], self._own[asked.namespace]
        demand = amounts_of(asked.core_demand)
        bound = tenant.maximum_executions
        return Lacks(
            own=tuple(own.lacks(demand)),
            cohort=tuple(self._cohorts[tenant.cohort].lacks(demand)) if tenant.cohort else (),
            executions=max(0, own.executions + 1 - bound) if bound else 0,
        )

    def borrows(self, namespace: str, demand: Resources | None = None) -> bool:
        """Tell whether a namespace is beyond its guarantee, with ``demand`` on top if given.

        Where nobody is guaranteed anything nobody borrows.
        """
        if not self.guarantees:
            return False
        tenant = self._tenants.get(namespace)
        if tenant is None or not tenant.guaranteed:
            return True
        added = dict(amounts_of(demand)) if demand else {}
        used = self._own[namespace].used
        return any(
            used.get(name, 0) + added.get(name, 0) > amount for name, amount in tenant.guaranteed
        )

    def _accounts(self, namespace: str) -> list[_Account]:
        tenant = self._tenants.get(namespace)
        if tenant is None:
            return []
        accounts = [self._own[namespace]]
        if tenant.cohort:
            accounts.append(self._cohorts[tenant.cohort])
        return accounts


def _reason(
    code: ReasonCode,
    name: str,
    missing: list[tuple[str, int]],
    account: _Account,
    kind: str = "namespace",
) -> Reason:
    verb = "can never use" if code is ReasonCode.NEVER_WITHIN_QUOTA else "has used up"
    told = ", ".join(
        f"{format_amount(dimension, account.limits[dimension])}, "
        f"{format_amount(dimension, amount)} too little"
        for dimension, amount in missing
    )
    if code is ReasonCode.NEVER_WITHIN_QUOTA:
        message = f"its core alone is more than {kind} {name} may use: {told}"
    else:
        message = f"{kind} {name} {verb} its quota: {told}"
    return Reason(code=code, message=message, blocks=name, shortfall=tuple(missing))
