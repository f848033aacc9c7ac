"""Who left: live runs that no manifest asks for any more, judged together by the guard."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from policy.model.execution import Uid
from reconciler.converge import guard
from reconciler.converge.draft import Draft
from reconciler.converge.ledger import EndReason


def depart(draft: Draft) -> Mapping[Uid, EndReason]:
    """Find live runs that no manifest asks for, and let the guard judge them together."""
    runs = {(m.namespace, m.name): m.run for m in draft.wanted.manifests.values()}
    departed: dict[Uid, EndReason] = {}
    left: list[guard.Departure] = []
    live: Counter[str] = Counter()
    for uid, record in sorted(draft.records.items()):
        if record.is_final:
            continue
        identity = draft.memory.identities[uid]
        live[identity.namespace] += 1
        if uid in draft.wanted.manifests:
            continue
        run = runs.get((identity.namespace, identity.name))
        if run is None:
            left.append(guard.Departure(uid=uid, namespace=identity.namespace, name=identity.name))
        elif run > record.run:
            departed[uid] = EndReason.SUPERSEDED
        else:
            told = f"run went back from {record.run} to {run}; it goes on until run rises"
            draft.held[uid] = ("RunWentBack", told)
    verdict = guard.judge(
        left,
        live=live,
        tree_is_empty=draft.wanted.tree_is_empty,
        unparsed_namespaces=draft.wanted.unparsed_namespaces,
        is_confirmed=draft.wanted.is_confirmed,
        commit=draft.wanted.commit,
        message=draft.wanted.message,
    )
    draft.held |= verdict.held
    return departed | dict.fromkeys(verdict.allowed, EndReason.DELETED)
