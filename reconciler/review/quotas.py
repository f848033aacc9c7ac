"""What each namespace uses of its quota, before and after a change."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from policy.model.execution import Allocation, Execution, Uid
from policy.model.resources import format_amount
from policy.model.tenant import Amounts
from policy.share import total
from reconciler.converge.world import Assessment
from reconciler.manifest.platform import Namespace

_Held = Mapping[Uid, tuple[Execution, tuple[Allocation, ...]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """What the executions of a namespace that run, or start now, reserve together."""

    amounts: Amounts = ()
    executions: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class QuotaChange:
    """One namespace. Bounds are those that are in force."""

    namespace: str
    before: Use
    after: Use
    guaranteed: Amounts = ()
    maximum: Amounts = ()
    maximum_executions: int = 0

    @property
    def told(self) -> str:
        """What it uses before and after, beside its maximum, in words."""
        before, after, most = (
            dict(amounts) for amounts in (self.before.amounts, self.after.amounts, self.maximum)
        )
        told = [
            f"{format_amount(name, before.get(name, 0))} to "
            f"{format_amount(name, after.get(name, 0))}"
            + (f" of {format_amount(name, most[name])}" if name in most else "")
            for name in sorted({*before, *after})
            if before.get(name) != after.get(name)
        ]
        if self.before.executions != self.after.executions:
            bound = f" of {self.maximum_executions}" if self.maximum_executions else ""
            told.append(f"{self.before.executions} to {self.after.executions}{bound} executions")
        return ", ".join(told)


def quota_changes(
    before: Assessment, after: Assessment, namespaces: Mapping[str, Namespace]
) -> tuple[QuotaChange, ...]:
    """Return every namespace whose use changes, by name."""
    held_before, held_after = _held(before), _held(after)
    # Few of many: summing up what nobody touches takes longer than to see that.
    changed = {
        execution.namespace
        for some, others in ((held_before, held_after), (held_after, held_before))
        for uid, (execution, groups) in some.items()
        if others.get(uid) != (execution, groups)
    }
    old, new = _uses(held_before, changed), _uses(held_after, changed)
    return tuple(
        QuotaChange(
            namespace=name,
            before=old.get(name, Use()),
            after=new.get(name, Use()),
            guaranteed=owner.guaranteed if owner else (),
            maximum=owner.maximum if owner else (),
            maximum_executions=owner.maximum_executions if owner else 0,
        )
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
        for owner in (namespaces.get(name),)
    )


def _held(found: Assessment) -> _Held:
    """Return who holds what once the decision is carried out."""
    groups = found.decision.carried_out(found.snapshot.executions)
    return {e.uid: (e, groups[e.uid]) for e in found.snapshot.executions if e.uid in groups}


def _uses(held: _Held, namespaces: Collection[str]) -> dict[str, Use]:
    """Return what some namespaces reserve."""
    by_namespace: dict[str, list[tuple[Execution, tuple[Allocation, ...]]]] = {}
    for execution, groups in held.values():
        if execution.namespace in namespaces:
            by_namespace.setdefault(execution.namespace, []).append((execution, groups))
    return {
        name: Use(
            amounts=tuple(
                sorted(
                    total(
                        execution.by_name[group.component].demand * group.count
                        for execution, groups in mine
                        for group in groups
                        if group.component in execution.by_name
                    ).items()
                )
            ),
            executions=len(mine),
        )
        for name, mine in by_namespace.items()
    }
