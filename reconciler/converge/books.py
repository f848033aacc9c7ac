"""The accounts of a pass: who had used what when it began, and what it changes about that."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from policy.model.cluster import Snapshot
from policy.model.decision import Decision
from policy.model.execution import Allocation, Uid
from policy.model.tenant import Amounts, Tenant, Usage
from policy.settings import PolicySettings
from reconciler.converge import accounting
from reconciler.converge.accounting import Account, Books, Use
from reconciler.converge.draft import Draft
from reconciler.converge.instants import epoch_ms
from reconciler.manifest.spec import ExecutionSpec


def tenants(draft: Draft, settings: PolicySettings) -> tuple[Tenant, ...]:
    """Return every namespace with what it used until now."""
    usage = _usage(draft, settings, draft.wanted.namespaces)
    return tuple(
        accounting.tenant(namespace, usage[name])
        for name, namespace in sorted(draft.wanted.namespaces.items())
    )


def close(
    draft: Draft,
    moved: Mapping[Uid, tuple[Allocation, ...]],
    taken: Snapshot,
    decision: Decision,
    settings: PolicySettings,
) -> Books:
    """Return what the pass changes.

    Args:
        draft: The pass, decided.
        moved: The groups of each execution whose groups change.
        taken: What was decided on.
        decision: What was decided.
        settings: By which use fades, and starts are charged.
    """
    touched = sorted({step.entry.uid for step in draft.steps} | moved.keys())
    if not touched:
        return Books()
    carried_out = decision if draft.world.may_start else Decision()
    progress, runtimes = accounting.settle(
        _accounts(draft, touched),
        draft.memory.progress,
        carried_out,
        taken.executions,
        draft.world.now,
    )
    held = _held(draft, {draft.identity(uid).namespace for uid in moved})
    usage = _usage(draft, settings, sorted(held))
    charged = accounting.with_penalties(usage, carried_out, taken.executions, settings)
    uses = {name: Use(usage=used, held=held[name]) for name, used in charged.items()}
    return Books(progress=progress, usage=uses, runtimes=runtimes)


def _accounts(draft: Draft, touched: Iterable[Uid]) -> Iterable[Account]:
    for uid in touched:
        before, after = draft.memory.records.get(uid), draft.records[uid]
        spec = draft.spec_of(uid, before) or draft.spec_of(uid, after)
        if spec is None:
            continue
        identity = draft.identity(uid)
        yield Account(
            namespace=identity.namespace,
            name=identity.name,
            before=before,
            after=after,
            spec=spec,
            held=draft.memory.placements.get(uid, ()),
            given=draft.placements.get(uid, ()),
        )


def _usage(
    draft: Draft, settings: PolicySettings, namespaces: Iterable[str]
) -> Mapping[str, Usage]:
    now_ms = epoch_ms(draft.world.now)
    return accounting.usage_now(draft.memory.usage, namespaces, settings, now_ms)


def _held(draft: Draft, namespaces: Collection[str]) -> Mapping[str, Amounts]:
    """Return what each of these namespaces holds from this pass on."""
    found: dict[str, list[tuple[ExecutionSpec, Sequence[Allocation]]]] = {n: [] for n in namespaces}
    for uid, groups in draft.placements.items():
        namespace = draft.identity(uid).namespace
        spec = draft.spec_of(uid, draft.records.get(uid))
        if groups and spec is not None and namespace in found:
            found[namespace].append((spec, groups))
    return {name: accounting.held_in_all(mine) for name, mine in found.items()}
