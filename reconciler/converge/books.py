"""The accounts of a pass: who had used what when it began, and what it changes about that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from policy.model.cluster import Snapshot
from policy.model.decision import Decision
from policy.model.execution import Allocation, Uid
from policy.model.resources import Resources
from policy.model.tenant import Tenant, Usage
from policy.settings import PolicySettings
from reconciler.converge import accounting
from reconciler.converge.accounting import Account, Books
from reconciler.converge.draft import Draft
from reconciler.converge.queue import epoch_ms


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
    spaces = {draft.identity(uid).namespace for uid in moved}
    usage = _usage(draft, settings, sorted(spaces & draft.wanted.namespaces.keys()))
    charged = accounting.with_penalties(usage, carried_out, taken.executions, settings)
    return Books(progress=progress, usage=charged, runtimes=runtimes)


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
    return accounting.usage_now(
        draft.memory.usage, _held(draft), namespaces, settings, epoch_ms(draft.world.now)
    )


def _held(draft: Draft) -> Mapping[str, Resources]:
    """Return what each namespace held until this pass."""
    held = draft.memory.placements
    specs = {uid: draft.spec_of(uid, draft.memory.records.get(uid)) for uid in held}
    return accounting.held_by_namespace(
        {uid: draft.identity(uid).namespace for uid in held},
        {uid: spec for uid, spec in specs.items() if spec is not None},
        held,
    )
